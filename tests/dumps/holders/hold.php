<?php // Holds a key in a PHP process: hold.php FILE
$key = openssl_pkey_get_private('file://' . $argv[1]);
openssl_sign('message', $signature, $key, OPENSSL_ALGO_SHA256);
echo "READY\n";
flush();
sleep(3600);
