// An authority of one's own, and certificates that it signs, made by openssl.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export interface CertificateFiles {
  certFile: string;
  keyFile: string;
}

export interface Authority {
  caFile: string;
  /** For 127.0.0.1 and localhost, and for clients. */
  issue(name: string): CertificateFiles;
}

export function createAuthority(directory: string, name = "ca"): Authority {
  const caFile = join(directory, `${name}.pem`);
  const caKeyFile = join(directory, `${name}.key`);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: directory, stdio: "pipe" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...newKey, "-keyout", caKeyFile, "-out", caFile, "-days", "2", "-subj", `/CN=${name}`);
  return {
    caFile,
    issue(subject) {
      const [certFile, keyFile] = [join(directory, `${subject}.pem`), join(directory, `${subject}.key`)];
      const [request, extensions] = [join(directory, `${subject}.csr`), join(directory, `${subject}.ext`)];
      writeFileSync(extensions, "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n");
      openssl("req", ...newKey, "-keyout", keyFile, "-out", request, "-subj", `/CN=${subject}`);
      const signer = ["-CA", caFile, "-CAkey", caKeyFile, "-CAcreateserial"];
      openssl("x509", "-req", "-in", request, ...signer, "-out", certFile, "-days", "2", "-extfile", extensions);
      return { certFile, keyFile };
    },
  };
}
