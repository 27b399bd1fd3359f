"""A proxy that reads along, as companies have them: it takes CONNECT for any host, shows a
certificate of its own authority, and passes everything on to moto. Spoken to in TLS at once, it is
that host itself.

Arguments: moto's port, and a folder for `ca.pem` and `connects`, a line for each CONNECT: where to,
and the credentials of the caller. Prints its port."""

import datetime
import pathlib
import socket
import ssl
import sys
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

MOTO, FOLDER = int(sys.argv[1]), pathlib.Path(sys.argv[2])
HOSTS = ["aws.test", "localhost"]
NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


def certificate(name, key, issuer, signer, extensions):
    title = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(title)
        .issuer_name(issuer.subject if issuer else title)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(signer, hashes.SHA256())


def write(name, *parts):
    path = FOLDER / name
    path.write_bytes(b"".join(parts))
    return path


def context():
    pem, none = serialization.Encoding.PEM, serialization.NoEncryption()
    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = certificate("authority", authority, None, authority, [x509.BasicConstraints(True, 0)])
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS])
    leaf = certificate("proxy", own, root, authority, [names])
    write("ca.pem", root.public_bytes(pem))
    key = own.private_bytes(pem, serialization.PrivateFormat.PKCS8, none)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(write("proxy.pem", key, leaf.public_bytes(pem)))
    return made


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def head(client):
    text = b""
    while b"\r\n\r\n" not in text:
        data = client.recv(1)
        if not data:
            return []
        text += data
    return text.decode().split("\r\n")


def serve(client, tls, connects):
    if client.recv(1, socket.MSG_PEEK) == b"C":
        lines = head(client)
        credentials = [line.split(" ", 1)[1] for line in lines if line.lower().startswith("proxy-auth")]
        with connects.open("a") as log:
            log.write(" ".join([lines[0].split(" ")[1], *credentials]) + "\n")
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    try:
        client = tls.wrap_socket(client, server_side=True)
    except OSError:
        return
    moto = socket.create_connection(("127.0.0.1", MOTO))
    threading.Thread(target=copy, args=(moto, client), daemon=True).start()
    copy(client, moto)


def main():
    tls, connects = context(), write("connects")
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, tls, connects), daemon=True).start()


main()
