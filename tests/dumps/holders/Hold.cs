using System;
using System.IO;
using System.Security.Cryptography;
using System.Threading;

/// Holds an RSA key in a Mono process: Hold FILE with the key as .NET XML.
static class Hold {
    static void Main(string[] args) {
        var rsa = new RSACryptoServiceProvider();
        rsa.PersistKeyInCsp = false;
        rsa.FromXmlString(File.ReadAllText(args[0]));
        rsa.SignData(new byte[16], "SHA256");
        GC.Collect();
        Console.WriteLine("READY");
        Thread.Sleep(3600 * 1000);
        GC.KeepAlive(rsa);
    }
}
