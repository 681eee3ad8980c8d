"""A point of access: an HTTP server on loopback that takes notifications."""
import http.server
import json
import threading
import time


class Sink:
    """Takes notifications on loopback. `answer` decides: a response status code, with a content if it likes, or None to say nothing.
    What is no m2m:sgn is kept as it is."""

    def __init__(self, port=0, answer=lambda sgn: 2000):
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                content = json.loads(body)
                sgn = content.get("m2m:sgn", content)
                rsc = sink.answer(sgn)
                rsc, back = rsc if isinstance(rsc, tuple) else (rsc, None)
                back = json.dumps(back).encode() if back else b""
                sink.got.append((self.path, self.headers, sgn))
                if rsc is None:
                    time.sleep(30)
                    return
                self.send_response({2: 200, 4: 403, 3: 302}.get(rsc // 1000, 500))
                self.send_header("X-M2M-RSC", str(rsc))
                self.send_header("X-M2M-RI", self.headers["X-M2M-RI"])
                self.send_header("Location", f"http://127.0.0.1:{sink.port}/elsewhere")
                self.send_header("Content-Length", str(len(back)))
                if back:
                    self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(back)

            def log_message(self, *args):
                pass

        self.got, self.answer = [], answer
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def contents(self):
        return [s["nev"]["rep"]["m2m:cin"]["con"] for _, _, s in list(self.got) if "nev" in s]
