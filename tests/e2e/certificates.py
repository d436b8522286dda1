"""An authority and certificates of its own for a test, made with openssl, good for a day."""

import subprocess
from pathlib import Path


def openssl(*arguments, folder):
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Authority:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file = self.folder / "ca.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=test authority",
                "-keyout", "ca.key", "-out", "ca.pem", folder=self.folder)

    def certify(self, cert, key, serial=1, names="DNS:localhost,IP:127.0.0.1"):
        """Puts a certificate and its key where told, in one step each, as tools that renew certificates do."""
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=lakehouse", "-addext", f"subjectAltName={names}",
                "-keyout", "new.key", "-out", "new.csr", folder=self.folder)
        openssl("x509", "-req", "-in", "new.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", str(serial), "-days", "1", "-copy_extensions", "copyall",
                "-out", "new.pem", folder=self.folder)
        (self.folder / "new.key").chmod(0o600)
        (self.folder / "new.key").replace(key)
        (self.folder / "new.pem").replace(cert)
