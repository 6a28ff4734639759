// pm2: `pm2 start ecosystem.config.cjs --only caravan-deduper`. The legacy stays beside it until the sign-off.
const { readFileSync } = require("node:fs");

const settings = process.env.DEDUPER_ENV_FILE || "/etc/caravan/deduper.env";

// KEY=VALUE lines, as systemd reads them.
function variables(file) {
  const lines = readFileSync(file, "utf8").split("\n");
  const pairs = lines.filter((line) => /^[A-Za-z_]\w*=/.test(line));
  return Object.fromEntries(pairs.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
}

const shared = variables(settings);

module.exports = {
  apps: [
    {
      name: "caravan-deduper",
      script: "/opt/caravan/venv/bin/caravan",
      args: "api --only deduper",
      interpreter: "none",
      cwd: shared.CARAVAN_HOME,
      env: shared,
      // One process: it starts, watches and ends its own children, so pm2 must signal it alone and give it time.
      exec_mode: "fork",
      instances: 1,
      treekill: false,
      kill_timeout: 40000,
      restart_delay: 2000,
      max_restarts: 5,
      min_uptime: 10000,
      merge_logs: true,
    },
    {
      name: "worker-python-flask",
      script: "/opt/worker-python-flask/venv/bin/flask",
      args: "run --port 5000",
      interpreter: "none",
      cwd: "/opt/worker-python-flask",
      env: {
        FLASK_APP: "src.app:create_app",
        ...Object.fromEntries(Object.entries(shared).filter(([name]) => !/^(CARAVAN_|DATABASE_URL$)/.test(name))),
      },
      exec_mode: "fork",
      instances: 1,
    },
  ],
};
