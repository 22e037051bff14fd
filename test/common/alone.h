/* Eddy without a thread of its own, so that every count is exact: nothing is returned but by what
 * the test does.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_ALONE_H
#define EDDY_TEST_COMMON_ALONE_H

const char *eddy_options = "scavenger=never";

#endif
