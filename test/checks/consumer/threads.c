/* Exits with 0 when threads, and children that start threads, run on Eddy.
 * SPDX-License-Identifier: MIT */
#include <eddy.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS = 1000, THREADS = 4, CHILDREN = 5 };

static void *allocate_and_free(void *unused) {
    void *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) blocks[i] = malloc((size_t)i + 1);
    for (int i = 0; i < BLOCKS; i++) free(blocks[i]);
    return unused;
}

static void run_threads(void) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, allocate_and_free, NULL) != 0) exit(1);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

static int status_of_child(void) {
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        run_threads();
        _exit(0);
    }
    waitpid(child, &status, 0);
    return status;
}

int main(void) {
    void *block = malloc(100);
    if (block == NULL || eddy_usable_size(block) < 100) return 2;
    run_threads();
    for (int i = 0; i < CHILDREN; i++) {
        if (status_of_child() != 0) return 3;
    }
    free(block);
    return 0;
}
