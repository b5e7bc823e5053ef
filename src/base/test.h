/* test.h - TEST(a_sentence) { … } registers itself; build/<mode>/unit runs them all (cmocka). Included by *_test.c files only. */
#pragma once
#include "base/fail.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#undef fail /* cmocka has a macro of that name; test files need neither */
#include <cmocka.h>
#undef fail
#undef fail_msg
#define fail_msg(...)                                                                                                              \
    do {                                                                                                                           \
        print_error(__VA_ARGS__);                                                                                                  \
        print_error("\n");                                                                                                         \
        _fail(__FILE__, __LINE__);                                                                                                 \
    } while (0)

struct test_case {
    const char *name, *file;
    void (*run)(void **state);
    struct test_case *next;
};
void test_register(struct test_case *);

#define TEST(sentence)                                                                                                             \
    static void sentence(void **state);                                                                                            \
    __attribute__((constructor)) static void register_##sentence(void)                                                             \
    {                                                                                                                              \
        static struct test_case test = { #sentence, __FILE__, sentence, NULL };                                                    \
        test_register(&test);                                                                                                      \
    }                                                                                                                              \
    static void sentence(__attribute__((unused)) void **state)

#define CHECK(condition) assert_true(condition)
#define CHECK_TEXT(got, want) assert_string_equal(got, want)
#define CHECK_INT(got, want) assert_int_equal(got, want)
/* A call that must work; prints the failure's text when it does not. */
#define MUST(call)                                                                                                                 \
    do {                                                                                                                           \
        if ((call) != OK)                                                                                                          \
            fail_msg("%s: %s (%s)", #call, fail_text(), fail_place());                                                             \
    } while (0)
/* A call that must fail with that kind, and whose text must hold the words. */
#define MUST_FAIL(call, kind, words)                                                                                               \
    do {                                                                                                                           \
        assert_int_equal(call, kind);                                                                                              \
        if (!strstr(fail_text(), words))                                                                                           \
            fail_msg("%s: \"%s\" does not say \"%s\"", #call, fail_text(), words);                                                 \
    } while (0)
