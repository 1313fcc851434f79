"""The sentence for each failure."""

import socket
import ssl

import pytest

from node.mqtt import reason_codes


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(-2, "Name or service not known"), "does not resolve"),
        (ConnectionRefusedError(111, "Connection refused"), "no server is listening"),
        (ConnectionResetError(104, "reset"), "closed the connection at once"),
        (TimeoutError("timed out"), "no answer"),
        (OSError(113, "No route to host"), "No route to host"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "does not use TLS"),
        (ssl.SSLError(1, "[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca"), "does not trust the authority"),
    ],
)
def test_each_exception_has_its_own_sentence(error: OSError, words: str) -> None:
    """Users see what is wrong and where, not the name of an exception."""
    sentence = reason_codes.describe_error(error, "broker.example", 8883)
    assert words in sentence
    assert sentence.startswith("broker.example")


@pytest.mark.parametrize(
    ("code", "words"), [(9, "not valid yet"), (10, "expired"), (20, "ca_file"), (62, "another name")]
)
def test_each_fault_of_a_certificate_has_its_own_sentence(code: int, words: str) -> None:
    """An expired certificate, a wrong clock and an unknown authority have different remedies."""
    error = ssl.SSLCertVerificationError("certificate verify failed")
    error.verify_code, error.verify_message = code, "as OpenSSL puts it"
    assert words in reason_codes.describe_error(error, "broker.example", 8883)


def test_not_authorized_at_connect_is_a_refused_login() -> None:
    """Brokers also answer a wrong password with "not authorized"; on a publish it is the access list."""
    assert "mqtt.password_file" in reason_codes.describe_connack(0x87)
    assert "mqtt.password_file" in reason_codes.describe_connack(0x86)
    assert "access list" in reason_codes.describe(0x87)
    assert "busy" in reason_codes.describe_connack(0x89)


def test_reason_codes_have_sentences_of_their_own() -> None:
    """No two reason codes that a broker may send read the same."""
    codes = (*range(0x80, 0x8E), 0x8E, 0x90, 0x93, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F)
    assert len({reason_codes.describe(code) for code in codes}) == len(codes)


def test_a_tls_alert_is_found_in_a_message_of_openssl() -> None:
    """TLS 1.3 refuses a certificate after the handshake, and only OpenSSL's message says why."""
    detail = "failed to receive on socket: [SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required"
    assert "requires a client certificate" in str(reason_codes.describe_tls_alert(detail))
    assert reason_codes.describe_tls_alert("[Errno 104] Connection reset by peer") is None
