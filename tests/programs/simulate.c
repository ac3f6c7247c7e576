/* A program of another language: simulate --steps N [name=value ...]; says on which kind of files
   it prints, and ends as it is told: fail=CODE, crash=1, stop=1 (waits for a signal). */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t told = 0;

static void on_signal(int number) { told = number; }

static int value(int argc, char **argv, const char *name) {
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], name, strlen(name)) == 0)
            return atoi(argv[i] + strlen(name));
    return 0;
}

int main(int argc, char **argv) {
    printf("terminal: %d%d%d\n", isatty(0), isatty(1), isatty(2));
    fflush(stdout);
    fprintf(stderr, "to stderr\n");
    if (value(argc, argv, "crash="))
        *(volatile int *)0 = 1;
    if (value(argc, argv, "stop=")) {
        signal(SIGTERM, on_signal);
        signal(SIGUSR1, on_signal);
        int count = 0;
        printf("ready\n");
        fflush(stdout);
        for (;;) {
            if (!told)
                usleep(10000);
            int number = told;
            told = 0;
            if (number == SIGUSR1)
                count++;
            if (number == SIGTERM) {
                printf("saved %d times\n", count);
                return 7;
            }
        }
    }
    return value(argc, argv, "fail=");
}
