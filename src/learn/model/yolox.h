/* yolox.h - YOLOX (Ge et al. 2021, arXiv 2107.08430): CSPDarknet, path aggregation, decoupled heads without anchors. */
#pragma once
#include "learn/model/network.h"

void yolox_build(struct network *);
void yolox_start(struct network *); /* heads begin by saying "nothing here" with a chance of 1 % for an object */
