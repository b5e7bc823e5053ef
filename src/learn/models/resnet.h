#pragma once
#include "learn/models.h"

void resnet18_build(struct network *);
