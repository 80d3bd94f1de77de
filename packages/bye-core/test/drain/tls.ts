/** A certificate for the loopback interface, made anew for each run. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function createCertificate(name = 'localhost'): { key: Buffer; cert: Buffer } {
  const dir = mkdtempSync(join(tmpdir(), 'bye-tls-'));
  try {
    const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
    const options = ['-nodes', '-days', '2', '-subj', `/CN=${name}`, '-keyout', key, '-out', cert];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', ...options], {
      stdio: 'pipe',
    });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } finally {
    rmSync(dir, { recursive: true });
  }
}
