/* Exits with 0 when operator new throws: here, by the least of a C++ runtime that a program needs.
 * SPDX-License-Identifier: MIT */
#include <new>

static volatile std::size_t impossible = static_cast<std::size_t>(-1) / 4;

int main() {
    try {
        delete[] static_cast<char *>(::operator new[](impossible));
    } catch (const std::bad_alloc &) {
        return 0;
    }
    return 1;
}
