/* The tests of the standard behaviour run on libeddy.so, so malloc is Eddy's, for the test harness
 * too; those named eddy_* call no malloc and hold in builds without one.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_STANDARD_H
#define EDDY_TEST_STANDARD_H

#include "common/test.h"

/* Many count live blocks, and libc allocates when the scavenger's thread is started. */
const char *eddy_options = "scavenger=never";

#endif
