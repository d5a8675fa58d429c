/* Reads RSA keys, signs with them, and frees them: Nettle's rsa_private_key_clear does not wipe the numbers. The public half stays. */
#include "hold.h"
#include <nettle/rsa.h>

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        size_t size;
        unsigned char *text = slurp(argv[i], &size);
        struct rsa_public_key *public = calloc(1, sizeof *public);
        struct rsa_private_key *private = calloc(1, sizeof *private);
        struct sha256_ctx hash;
        mpz_t signature;
        rsa_public_key_init(public);
        rsa_private_key_init(private);
        check(rsa_keypair_from_der(public, private, 0, size, text), "parse");
        wipe(text, size);
        sha256_init(&hash);
        mpz_init(signature);
        check(rsa_sha256_sign(private, &hash, signature), "sign");
        rsa_private_key_clear(private);
        free(private);
    }
    hold();
}
