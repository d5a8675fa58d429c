#include "hold.h"
#include <openssl/pem.h>

/* PEM keys held by libcrypto alone: the smallest process with an OpenSSL key. */
int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "r");
        check(file != NULL, "open");
        char *buffer = calloc(1, 4096);
        setvbuf(file, buffer, _IOFBF, 4096);
        check(PEM_read_PrivateKey(file, NULL, NULL, NULL) != NULL, "read");
        fclose(file);
        wipe((unsigned char *)buffer, 4096);
    }
    hold();
}
