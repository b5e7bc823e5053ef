#pragma once
#include "learn/models.h"

void efficientdet_build(struct network *);
void efficientdet_start(struct network *);
