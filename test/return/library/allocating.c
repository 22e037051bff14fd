/* A library that allocates while it is loaded and while it is unloaded, and waits there for a
 * thread that does.
 * SPDX-License-Identifier: MIT */
#include "common/guest.h"

__attribute__((constructor, destructor)) static void allocate(void) {
    burst(LITTLE);
    run_thread(burst_in_thread, NULL);
}
