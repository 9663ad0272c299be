// nginx from Debian as the peer: takes files by PUT, serves them with ranges, plain and over TLS.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const freePort = () =>
  new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

const page = ({ folder, port, tlsPort, tls }) => `
daemon off;
worker_processes 1;
pid ${folder}/pid;
error_log ${folder}/errors;
user root;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  client_max_body_size 0;
  client_body_temp_path ${folder}/incoming;
  proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server {
    listen 127.0.0.1:${port};
    listen 127.0.0.1:${tlsPort} ssl;
    ssl_certificate ${tls.cert};
    ssl_certificate_key ${tls.key};
    root ${folder}/files;
    location / { dav_methods PUT; }
  }
}`;

/** Starts it on a folder of its own; pid is the worker's, which does the work. */
export async function startNginx(tls) {
  const folder = mkdtempSync(join(tmpdir(), "bellwire-bench-nginx-"));
  mkdirSync(join(folder, "files"));
  const [port, tlsPort] = [await freePort(), await freePort()];
  const config = join(folder, "nginx.conf");
  writeFileSync(
    config,
    page({ folder, port, tlsPort, tls }).replace("user root;\n", process.getuid() ? "" : "user root;\n"),
  );
  const child = spawn("/usr/sbin/nginx", ["-p", folder, "-e", join(folder, "errors"), "-c", config], {
    stdio: "inherit",
  });
  const ended = new Promise((done) => child.once("exit", done).once("error", done));
  const url = `http://127.0.0.1:${port}`;
  for (let i = 0; ; i++) {
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      break;
    if (i === 100) throw new Error("nginx does not start; tools/setup.sh bench installs it");
    await new Promise((done) => setTimeout(done, 50));
  }
  const [worker] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ");
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, tlsUrl: `https://127.0.0.1:${tlsPort}`, pid: Number(worker), files: join(folder, "files"), stop };
}
