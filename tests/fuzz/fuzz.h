/* fuzz.h - what a target of tests/fuzz/target/ is: one function over bytes that may be anything. It must not crash, hang or leak,
 * whatever it is given; it returns 0. libFuzzer calls it, or driver.c. */
#pragma once
#include "base/fail.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
