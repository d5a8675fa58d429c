#include "hold.h"
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

/* Arguments: pairs of certificate and key. */
int main(int argc, char **argv) {
    wolfSSL_Init();
    for (int i = 1; i + 1 < argc; i += 2) {
        WOLFSSL_CTX *context = wolfSSL_CTX_new(wolfTLSv1_2_server_method());
        check(context != NULL, "context");
        check(wolfSSL_CTX_use_certificate_file(context, argv[i], SSL_FILETYPE_PEM) == SSL_SUCCESS, "certificate");
        check(wolfSSL_CTX_use_PrivateKey_file(context, argv[i + 1], SSL_FILETYPE_PEM) == SSL_SUCCESS, "key");
        check(wolfSSL_new(context) != NULL, "session");
    }
    hold();
}
