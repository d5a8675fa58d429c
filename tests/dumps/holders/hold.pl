# Holds a key in a Perl process, in LibTomCrypt: hold.pl RSA|ECC|Ed25519 FILE
use strict;
use warnings;
$| = 1;
my ($kind, $file) = @ARGV;
eval "require Crypt::PK::$kind" or die $@;
my $key = "Crypt::PK::$kind"->new($file);
$key->sign_message('message');
print "READY\n";
sleep 3600;
