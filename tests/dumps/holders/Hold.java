import java.io.FileInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.List;

/** Holds key material in a Java process: Hold MODE FILE..., where a key's algorithm stands before its DER file. */
public class Hold {
    private static final List<Object> HELD = new ArrayList<>();

    public static void main(String[] args) throws Exception {
        for (int i = 1; i < args.length; i += 2) {
            String kind = args[i];
            Path path = Path.of(args[i + 1]);
            switch (args[0]) {
                case "key" -> {
                    var spec = new PKCS8EncodedKeySpec(Files.readAllBytes(path));
                    use(KeyFactory.getInstance(kind).generatePrivate(spec), kind);
                }
                case "keystore" -> {
                    KeyStore store = KeyStore.getInstance(kind);
                    try (var in = new FileInputStream(path.toFile())) {
                        store.load(in, "changeit".toCharArray());
                    }
                    HELD.add(store);
                    String alias = store.aliases().nextElement();
                    use((PrivateKey) store.getKey(alias, "changeit".toCharArray()), "RSA");
                }
                default -> {
                    try (var in = new FileInputStream(path.toFile())) {
                        HELD.add(CertificateFactory.getInstance("X.509").generateCertificate(in).getPublicKey());
                    }
                }
            }
        }
        System.out.println("READY");
        Thread.sleep(3_600_000);
    }

    private static void use(PrivateKey key, String kind) throws Exception {
        String name = switch (kind) {
            case "EC" -> "SHA256withECDSA";
            case "Ed25519" -> "Ed25519";
            default -> "SHA256withRSA";
        };
        Signature signer = Signature.getInstance(name);
        signer.initSign(key);
        signer.update(new byte[16]);
        signer.sign();
        HELD.add(key);
    }
}
