/* Stopping in order when the machine or a person asks for it. */
#include "trainer/stop.h"
#include "trainer/trainer.h"
#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void on_signal(int signal)
{
    (void)signal;
    if (interrupted++) /* the second time: at once */
        _exit(130);
}
bool train_interrupted(void)
{
    return interrupted > 0;
}

void train_listen(void)
{
    struct sigaction act = { .sa_handler = on_signal };
    sigaction(SIGTERM, &act, NULL);
    struct sigaction before;
    if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler != SIG_IGN) /* under a worker, Ctrl-C is for the server */
        sigaction(SIGINT, &act, NULL);
    signal(SIGPIPE, SIG_IGN);
}
