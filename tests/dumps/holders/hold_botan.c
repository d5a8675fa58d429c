#include "hold.h"
#include <botan/ffi.h>

int main(int argc, char **argv) {
    botan_rng_t random;
    check(!botan_rng_init(&random, "system"), "random");
    for (int i = 1; i < argc; i++) {
        size_t size;
        unsigned char *der = slurp(argv[i], &size);
        botan_privkey_t key;
        check(!botan_privkey_load(&key, random, der, size, NULL), "load");
        wipe(der, size);
    }
    hold();
}
