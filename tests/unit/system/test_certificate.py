"""The end of a certificate is read from the file itself."""

import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from node.system.certificate import days_left, not_after


def made(folder: Path, days: int) -> Path:
    """Return the file of a certificate."""
    path = folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", str(folder / "key.pem"), "-out", str(path), "-days", str(days), "-subj", "/CN=pi-1"],
        check=True, capture_output=True,
    )  # fmt: skip
    return path


@pytest.mark.parametrize("days", [30, 36500])
def test_the_expiry_of_a_certificate_is_read(tmp_path: Path, days: int) -> None:
    """Both time formats are read: a year of two digits until 2049, of four from 2050 on; to the minute."""
    path = made(tmp_path, days)
    now = datetime.now(UTC)
    end = not_after(path)
    assert end is not None
    assert abs(end - (now + timedelta(days=days))) < timedelta(minutes=1)
    assert days_left(path, now + timedelta(days=days + 2)) == -3


def test_text_around_a_certificate_is_nothing_to_it(tmp_path: Path) -> None:
    """An editor puts a byte order mark in front of it, and authorities put names of any language there."""
    path = made(tmp_path, 30)
    path.write_bytes(b"\xef\xbb\xbfSubject: Z\xfcrich\n" + path.read_bytes())
    assert days_left(path, datetime.now(UTC)) in (29, 30)


@pytest.mark.parametrize(
    "content", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_file_without_a_certificate_has_no_expiry(tmp_path: Path, content: str) -> None:
    """Health has null; the connection attempt says what is wrong."""
    path = tmp_path / "cert.pem"
    path.write_text(content)
    assert not_after(path) is None
    assert days_left(tmp_path / "none.pem", datetime.now(UTC)) is None


def test_an_unknown_time_format_has_no_expiry(tmp_path: Path) -> None:
    """The main loop reads the file: no content may end the loop."""
    path = made(tmp_path, 30)
    der = ssl.PEM_cert_to_DER_cert(path.read_text())
    path.write_text(ssl.DER_cert_to_PEM_cert(der.replace(b"\x17\x0d", b"\x13\x0d")))
    assert not_after(path) is None
