/* stop.h - whether the machine or a person asked the program to end. */
#pragma once
#include <stdbool.h>

bool train_interrupted(void); /* SIGINT or SIGTERM came after train_listen() */
