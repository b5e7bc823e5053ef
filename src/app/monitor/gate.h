/* gate.h - inside monitor/: taking over and going by what reviews say. */
#pragma once
#include "app/monitor/side.h"

extern const struct resource gate_resource;

/* How sure it has to be at the k-th look (from 0), so that looking again and again is wrong no more often than 1 - confidence: what
 * may go wrong is spent by halves. */
double gate_confidence(double confidence, int64_t look);
/* How many reviews that look needs: twice as many each time. */
int64_t gate_reviews(int64_t reviews, int64_t look);
