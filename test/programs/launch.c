/* launch REPORT PROGRAM [ARG...]: runs PROGRAM, passes its exit status on and writes to the file
 * REPORT the largest peak resident set, in KiB, of it and the children that it waited for.
 *
 * A program of its own, linked statically, because the kernel carries the peak of the process that
 * calls exec over to the program: a Python driver would set a floor of 10 MiB under every result.
 * SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 3) {
        fputs("usage: launch REPORT PROGRAM [ARG...]\n", stderr);
        return 2;
    }
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    int status;
    struct rusage usage;
    if (child < 0 || wait4(child, &status, 0, &usage) != child) {
        perror("launch");
        return 2;
    }
    FILE *report = fopen(argv[1], "we");
    if (report == NULL || fprintf(report, "%ld\n", usage.ru_maxrss) < 0 || fclose(report) != 0) {
        perror(argv[1]);
        return 2;
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
