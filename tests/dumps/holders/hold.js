// Holds key material in a Node process: hold.js MODE FILE...
const crypto = require('crypto');
const fs = require('fs');
const [mode, ...files] = process.argv.slice(2);
const held = files.map((file) => {
  const text = fs.readFileSync(file);
  if (mode === 'certificate') return new crypto.X509Certificate(text).publicKey;
  const key = crypto.createPrivateKey(text);
  if (mode === 'jwk') return { text: JSON.stringify(key.export({ format: 'jwk' })) };
  crypto.sign(null, Buffer.from('message'), key);
  return key;
});
setInterval(() => held.length, 1000);
console.log('READY');
