#include "hold.h"
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

int main(int argc, char **argv) {
    gnutls_global_init();
    for (int i = 1; i < argc; i++) {
        gnutls_datum_t text, signature;
        size_t size;
        text.data = slurp(argv[i], &size);
        text.size = size;
        gnutls_privkey_t key;
        gnutls_privkey_init(&key);
        check(gnutls_privkey_import_x509_raw(key, &text, GNUTLS_X509_FMT_PEM, NULL, 0) >= 0, "import");
        int algorithm = gnutls_privkey_get_pk_algorithm(key, NULL);
        gnutls_digest_algorithm_t hash = algorithm == GNUTLS_PK_EDDSA_ED25519 ? GNUTLS_DIG_SHA512 : GNUTLS_DIG_SHA256;
        gnutls_datum_t message = {(unsigned char *)"message", 7};
        check(gnutls_privkey_sign_data(key, hash, 0, &message, &signature) >= 0, "sign");
        wipe(text.data, size);
    }
    hold();
}
