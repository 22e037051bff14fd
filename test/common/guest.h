/* The thread that returns memory, as the program whose guest it is sees it.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_GUEST_H
#define EDDY_TEST_COMMON_GUEST_H

#include <dirent.h>
#include <time.h>

#include "common/rollup.h"

enum { BLOCK = 1000, LITTLE = 8 << 20, PATIENCE_MS = 3000 };

typedef struct chain {
    struct chain *next;
} chain_t;

static inline void pause_ms(int ms) {
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static inline chain_t *allocate_chain(size_t bytes) {
    chain_t *chain = NULL;
    for (size_t i = 0; i < bytes / BLOCK; i++) {
        chain_t *block = malloc(BLOCK);
        check(block != NULL);
        block->next = chain;
        chain = block;
    }
    return chain;
}

static inline void free_chain(chain_t *chain) {
    while (chain != NULL) {
        chain_t *block = chain;
        chain = chain->next;
        free(block);
    }
}

static inline void burst(size_t bytes) { free_chain(allocate_chain(bytes)); }

static inline void *burst_in_thread(void *unused) {
    burst(LITTLE);
    return unused;
}

/* The id of the thread with that name, 0 when there is none. */
static inline int thread_named(const char *wanted) {
    int found = 0;
    DIR *tasks = opendir("/proc/self/task");
    check(tasks != NULL);
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        char path[300], name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL) continue;
        if (fgets(name, sizeof name, file) != NULL && strncmp(name, wanted, strlen(wanted)) == 0) {
            found = atoi(task->d_name);
        }
        fclose(file);
    }
    closedir(tasks);
    return found;
}

static inline int scavenger(void) { return thread_named("eddy-scavenger"); }

/* Reading a directory allocates: give the thread its chance to start. */
static inline bool has_scavenger(void) {
    for (int ms = 0; ms < PATIENCE_MS; ms += 20) {
        burst(LITTLE);
        if (scavenger() != 0) return true;
        pause_ms(20);
    }
    return false;
}

static inline void start_it(void) {
    check(eddy_option_set(EDDY_OPTION_SCAVENGER, 2) == 0);
    check(has_scavenger());
}

#endif
