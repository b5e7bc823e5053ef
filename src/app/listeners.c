/* Who is told when an experiment ends. */
#include "app/deployment/deployment.h"
#include "app/experiment/experiment.h"

experiment_listener *const experiment_listeners[] = { retraining_ended, NULL };
