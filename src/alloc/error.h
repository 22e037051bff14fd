/* How a call fails.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_ALLOC_ERROR_H
#define EDDY_ALLOC_ERROR_H

#include "base/base.h"

/* NULL with errno ENOMEM / EINVAL. */
cold void *error_no_memory(void);
cold void *error_invalid(void);

#endif
