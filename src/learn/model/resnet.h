#pragma once
#include "learn/model/network.h"

void resnet18_build(struct network *);
