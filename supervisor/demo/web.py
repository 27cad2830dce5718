"""A web server of a few lines: tells the time on the port it is given."""

import http.server
import sys
import time


class Clock(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = time.strftime("It is %H:%M:%S\n").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    print("listening on port", sys.argv[1])
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Clock).serve_forever()
