#include "hold.h"
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/pk.h>

int main(int argc, char **argv) {
    static mbedtls_entropy_context entropy;
    static mbedtls_ctr_drbg_context random;
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    check(!mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0), "seed");
    for (int i = 1; i < argc; i++) {
        size_t size, written;
        unsigned char *text = slurp(argv[i], &size), hash[32] = {1}, signature[1024];
        mbedtls_pk_context *key = calloc(1, sizeof *key);
        mbedtls_pk_init(key);
#if MBEDTLS_VERSION_MAJOR >= 3
        check(!mbedtls_pk_parse_key(key, text, size + 1, NULL, 0, mbedtls_ctr_drbg_random, &random), "parse");
        check(!mbedtls_pk_sign(key, MBEDTLS_MD_SHA256, hash, 32, signature, sizeof signature, &written,
                               mbedtls_ctr_drbg_random, &random), "sign");
#else
        check(!mbedtls_pk_parse_key(key, text, size + 1, NULL, 0), "parse");
        check(!mbedtls_pk_sign(key, MBEDTLS_MD_SHA256, hash, 32, signature, &written, mbedtls_ctr_drbg_random,
                               &random), "sign");
#endif
        wipe(text, size);
    }
    hold();
}
