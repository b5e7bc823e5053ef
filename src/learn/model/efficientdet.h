#pragma once
#include "learn/model/network.h"

void efficientdet_build(struct network *);
void efficientdet_start(struct network *);
