# Holds a key in a Ruby process: hold.rb FILE
require 'openssl'
key = OpenSSL::PKey.read(File.binread(ARGV.fetch(0)))
key.sign(key.oid == 'ED25519' ? nil : 'SHA256', 'message')
GC.start
puts 'READY'
$stdout.flush
sleep
key
