"""The process of the page: `facenode page` reads the settings and then becomes it.

The library that reads settings takes 15 MB which the page does not need, and so it is not loaded here.
"""

import logging
import sys
from collections.abc import Sequence

from node.errors import FacenodeError, OutputError, ServeError, StorageError
from node.page.options import decode
from node.system.terminal import LogFormatter, print_error, print_line


def main(arguments: Sequence[str]) -> int:
    """Serve the page that the argument describes. Return the exit code."""
    options = decode(arguments[0])
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogFormatter())
    logging.basicConfig(level=logging.DEBUG if options.verbose else logging.INFO, handlers=[handler])
    try:
        from node.page.composition import build_page  # noqa: PLC0415 - the libraries are an extra

        page = build_page(options)
        if page.address is not None and not page.activated:
            print_line(f"address      {page.address}")
            print_line(f"fingerprint  {page.fingerprint} (SHA-256)")
        page.run()
    except ModuleNotFoundError as error:
        print_error(f"the page needs {error.name}: install the extra: pip install 'facenode[page]'")
        return ServeError.exit_code
    except OutputError as error:
        return 0 if error.reader_gone else error.exit_code
    except FacenodeError as error:
        print_error(error)
        return error.exit_code
    except OSError as error:
        print_error(f"{error.filename or options.storage}: {error.strerror or error}: storage.dir must be writable")
        return StorageError.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
