/* Exits with 0 when this program runs on Eddy, header and library of the same version.
 * SPDX-License-Identifier: MIT */
#include <eddy.h>
#include <stdlib.h>

int main(void) {
    int version = EDDY_VERSION_MAJOR * 10000 + EDDY_VERSION_MINOR * 100 + EDDY_VERSION_PATCH;
    if (eddy_version() != version) return 1;

    void *ours = eddy_malloc(100);
    void *from_malloc = malloc(100);
    if (!ours || !from_malloc) return 2;
    if (eddy_usable_size(from_malloc) != eddy_usable_size(ours)) return 3;
    free(ours);
    eddy_free(from_malloc);
    return 0;
}
