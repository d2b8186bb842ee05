// lab.test.mjs - the lab itself: real servers on nodes that behave, break and vanish as asked. Needs root.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { Lab, catchMail, imap, submit, until } from "./nodes.mjs";

const lab = new Lab("test-lab");
const network = () => lab.status().host.replace(/\.1$/, "");
const dig = (server, ...query) => execFileSync("dig", ["+short", "+time=2", `@${server}`, ...query], { encoding: "utf8" }).trim();
const bootId = (node) => lab.exec(node, "cat /proc/sys/kernel/random/boot_id").trim();

before(() => lab.do("up"));
after(() => lab.end());

/** What the panel does for a domain, by hand. */
function addZone(node, domain, records) {
  lab.exec(
    node,
    `getent passwd hand >/dev/null || useradd -m hand; mkdir -p /home/hand/conf/dns; chmod 755 /home/hand /home/hand/conf /home/hand/conf/dns
     cat >/home/hand/conf/dns/${domain}.db
     grep -q '"${domain}"' /etc/bind/named.conf ||
       echo 'zone "${domain}" { type master; file "/home/hand/conf/dns/${domain}.db"; };' >>/etc/bind/named.conf
     /usr/local/hestia/lab/service dns reload ${domain}`,
    `$TTL 60\n@ IN SOA ns1.lab.test. root.${domain}. 7 3600 600 86400 60\n@ IN NS ns1.lab.test.\n${records}\n`,
  );
}

function addMailDomain(domain, account, password) {
  lab.exec(
    "mail1",
    `getent passwd hand >/dev/null || useradd -m hand
     conf=/home/hand/conf/mail/${domain} mail=/home/hand/mail/${domain}
     mkdir -p $conf $mail/${account}; chmod 755 /home/hand /home/hand/conf /home/hand/conf/mail; chmod 771 $conf
     : >$conf/aliases
     echo "${account}:$(doveadm pw -s BLF-CRYPT -r 5 -p '${password}'):hand:mail::/home/hand:10:userdb_quota_rule=*:storage=10M" >$conf/passwd
     openssl genrsa -out $conf/dkim.pem 2048 2>/dev/null
     chown -R Debian-exim:mail $conf; chown dovecot:mail $conf/passwd; chmod 660 $conf/*
     chown -R hand:mail $mail; chmod -R 770 $mail; chmod 751 /home/hand/mail
     ln -sfn $conf /etc/exim4/domains/${domain}`,
  );
}

test("root and the sudo user log in by key, with a strict host key, on every node", () => {
  for (const node of lab.status().nodes) {
    assert.ok(node.up);
    const root = lab.ssh("root", node.name, "id -un; hostname; command -v ip");
    assert.equal(root.stdout, `root\n${node.hostname}\n/usr/sbin/ip\n`, root.stderr);
    const berth = lab.ssh("berth", node.name, "id -un; sudo -n -l");
    assert.match(berth.stdout, /^berth\n/, berth.stderr);
    assert.match(berth.stdout, /NOPASSWD: \/usr\/local\/hestia\/bin\/v-\*\n$/);
    assert.notEqual(lab.ssh("berth", node.name, "sudo -n id").status, 0);
  }
});

test("a host key that is not the recorded one is refused", () => {
  const args = lab.sshArgs("root", "web1", "true");
  args[args.indexOf("-o") + 1] = "StrictHostKeyChecking=yes";
  const swapped = args.map((arg) => (arg.startsWith("root@") ? `root@${lab.node("ns1").address}` : arg));
  const alias = spawnSync("ssh", ["-o", `HostKeyAlias=${lab.node("web1").address}`, ...swapped], { encoding: "utf8" });
  assert.equal(alias.status, 255);
  assert.match(alias.stderr, /HOST IDENTIFICATION HAS CHANGED/);
});

test("the nodes' own names resolve, both ways, from here and from inside", () => {
  for (const server of ["ns1", "ns2"].map((name) => lab.node(name).address)) {
    assert.equal(dig(server, "web1.lab.test"), `${network()}.11`);
    assert.equal(dig(server, "-x", `${network()}.21`), "mail1.lab.test.");
  }
  assert.equal(lab.exec("mail1", "dig +short host.lab.test").trim(), `${network()}.1`);
});

test("a home, a log or a panel of this machine does not shine through", () => {
  assert.equal(lab.exec("web1", "ls -A /home"), "admin\n"); // the panel's own user
  assert.equal(lab.exec("web1", "find /var/log -type f -size +0 -newermt 1970-01-01 ! -newer /usr/local/hestia/lab/node.env"), "");
  assert.equal(lab.exec("web1", "ls -A /root").trim(), ".bashrc\n.profile");
});

test("a restart is a new boot of the same disk", () => {
  const before = lab.node("web1");
  const boot = bootId("web1");
  lab.exec("web1", "echo stays >/home/kept; echo stays >/etc/kept; echo goes >/tmp/gone; echo goes >/run/gone");
  lab.do("restart", "web1");
  const now = lab.node("web1");
  assert.notEqual(bootId("web1"), boot);
  assert.notEqual(bootId("web1"), bootId("ns1"));
  assert.match(bootId("web1"), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.equal(lab.exec("web1", "cat /home/kept /etc/kept; ls /tmp/gone /run/gone 2>/dev/null || true"), "stays\nstays\n");
  assert.equal(now.host_key, before.host_key);
  assert.notEqual(now.pid, before.pid);
  assert.equal(lab.ssh("root", "web1", "echo again").stdout, "again\n");
});

test("a killed node is off until it is started", () => {
  lab.do("kill", "web1");
  assert.equal(lab.node("web1").up, false);
  assert.equal(lab.ssh("root", "web1", "true").status, 255);
  lab.do("start", "web1");
  assert.equal(lab.node("web1").up, true);
  assert.equal(lab.ssh("root", "web1", "echo back").stdout, "back\n");
});

test("a power cut ends the command that runs, and the session", async () => {
  const command = lab.sshStart("root", "web1", "echo started; sleep 60; echo never");
  await once(command.stdout, "data");
  const ended = once(command, "exit");
  lab.do("restart", "web1");
  assert.equal((await ended)[0], 255);
  assert.equal(lab.exec("web1", "pgrep -x sleep | wc -l").trim(), "1", "only that of process 1");
});

test("a name server answers a zone that was appended by hand, and its change", () => {
  for (const name of ["ns1", "ns2"]) {
    const { address } = lab.node(name);
    assert.equal(dig(address, "hand.test", "A"), "");
    addZone(name, "hand.test", "@ IN A 10.77.200.1");
    assert.equal(dig(address, "hand.test", "A"), "10.77.200.1");
    addZone(name, "hand.test", "@ IN A 10.77.200.2");
    assert.equal(dig(address, "hand.test", "A"), "10.77.200.2");
    lab.exec(name, "sed -i '/hand.test/d' /etc/bind/named.conf; /usr/local/hestia/lab/service dns reload");
    assert.equal(dig(address, "hand.test", "A"), "");
  }
});

test("a mailbox opens over STARTTLS, and over it only; mail for it arrives", async () => {
  addMailDomain("box.test", "info", "Secret-1");
  const { address } = lab.node("mail1");
  assert.match(await imap(address, "info@box.test", "Secret-1"), /^l OK .*Logged in/m);

  await submit(address, "info@box.test", "Secret-1", "info@box.test", "From: info@box.test\nSubject: to myself\n\nhello");
  await until("the mail is in the mailbox", async () =>
    /\* 1 EXISTS/.test(await imap(address, "info@box.test", "Secret-1", "SELECT INBOX")),
  );
  const seen = await imap(address, "info@box.test", "Secret-1", "SELECT INBOX", "FETCH 1 BODY[]", "GETQUOTAROOT INBOX");
  assert.match(seen, /Subject: to myself/);
  assert.match(seen, /STORAGE \d+ 10240/);
  assert.match(await imap(address, "info@box.test", "Secret-2"), /^l NO/m); /* last: it makes dovecot slow to answer us */
});

test("mail for an unknown mailbox or a foreign domain is refused", async () => {
  addMailDomain("strict.test", "info", "Secret-1");
  const { address } = lab.node("mail1");
  const send = (to) =>
    spawnSync("swaks", ["--server", address, "--from", "x@else.test", "--to", to, "--quit-after", "RCPT"], { encoding: "utf8" });
  assert.equal(send("info@strict.test").status, 0);
  assert.match(send("nobody@strict.test").stdout, /<\*\* 550/);
  assert.match(send("x@foreign.test").stdout, /<\*\* 550 relay not permitted/);
});

test("outgoing mail is signed with the domain's key, and the signature holds", async () => {
  addMailDomain("signed.test", "info", "Secret-1");
  const key = lab.exec("mail1", "openssl rsa -in /etc/exim4/domains/signed.test/dkim.pem -pubout -outform DER 2>/dev/null | base64 -w0");
  const [first, second] = [key.slice(0, 200), key.slice(200)];
  addZone("ns1", "signed.test", `mail._domainkey IN TXT "v=DKIM1; k=rsa; p=${first}" "${second}"`);
  addZone("ns1", "away.test", "@ IN MX 10 host.lab.test.");
  const sink = await catchMail(lab.status().host);
  try {
    const { address } = lab.node("mail1");
    await submit(address, "info@signed.test", "Secret-1", "x@away.test", "From: info@signed.test\nTo: x@away.test\nSubject: signed\n\nhello");
    const mail = await sink.mail;
    const signature = /^DKIM-Signature:(.*(?:\r\n[ \t].*)*)/m.exec(mail)?.[1] ?? "";
    for (const part of ["a=rsa-sha256;", "d=signed.test;", "s=mail;"]) assert.ok(signature.replace(/\s/g, "").includes(part), mail);
    lab.exec("mail1", "opendkim-testmsg", mail);
    assert.throws(() => lab.exec("mail1", "opendkim-testmsg", mail.replace("hello", "jello")), /exit/);
  } finally {
    sink.close();
  }
});

test("a site answers under its name through PHP, as its own user; other names get the node's page", async () => {
  const { address } = lab.node("web1");
  lab.exec(
    "web1",
    `useradd -m site; mkdir -p /home/site/web; chmod 755 /home/site
     echo '<?php echo "I am ", posix_getpwuid(posix_geteuid())["name"] ?? "?";' >/home/site/web/index.php
     cat >/etc/php/8.2/fpm/pool.d/site.test.conf <<'EOF'
[site.test]
user = site
group = site
listen = /run/php/site.test.sock
listen.owner = site
listen.group = www-data
pm = ondemand
pm.max_children = 2
EOF
     cat >/etc/nginx/conf.d/domains/site.test.conf <<'EOF'
server {
  listen ${address}:80;
  server_name site.test;
  root /home/site/web;
  index index.php;
  location ~ \\.php$ { include fastcgi_params; fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
    fastcgi_pass unix:/run/php/site.test.sock; }
}
EOF
     for name in backend proxy; do /usr/local/hestia/lab/service $name test; /usr/local/hestia/lab/service $name reload; done 2>/dev/null`,
  );
  const get = (host) => spawnSync("curl", ["-s", "-H", `Host: ${host}`, `http://${address}/`], { encoding: "utf8" }).stdout;
  await until("the site answers", () => get("site.test") === "I am site");
  assert.match(get("other.test"), /no site has this name/);
});

test("a server's refusal of a broken configuration is passed on", () => {
  const broken = {
    web1: ["proxy", "/etc/nginx/conf.d/domains/broken.conf"],
    ns1: ["dns", "/etc/bind/named.conf.local"],
    mail1: ["mail", "/etc/exim4/exim4.conf"],
  };
  for (const [node, [name, file]] of Object.entries(broken)) {
    lab.exec(node, `[ ! -e ${file} ] || cp ${file} /root/good; echo 'nonsense here' >>${file}`);
    assert.throws(() => lab.exec(node, `/usr/local/hestia/lab/service ${name} test`), /exit/);
    lab.exec(node, `rm ${file}; [ ! -e /root/good ] || cp -p /root/good ${file}; /usr/local/hestia/lab/service ${name} test`);
  }
});

test("each server can be restarted by name", () => {
  const all = { web1: ["web", "proxy", "backend", "ssh"], ns1: ["dns"], mail1: ["mail"] };
  for (const [node, names] of Object.entries(all))
    for (const name of names) lab.exec(node, `/usr/local/hestia/lab/service ${name} restart 2>/dev/null`);
  assert.equal(dig(lab.node("ns1").address, "ns1.lab.test"), lab.node("ns1").address);
  assert.equal(lab.ssh("root", "web1", "echo in").stdout, "in\n");
});

test("cut resets an open connection; the command on the node runs on", async () => {
  const command = lab.sshStart("root", "web1", "echo started; sleep 1; touch /run/finished");
  await once(command.stdout, "data");
  const ended = once(command, "exit");
  lab.do("cut", "web1");
  assert.equal((await ended)[0], 255);
  await until("the command finishes", () => lab.try("exec", "web1", "test", "-e", "/run/finished").status === 0);
});

test("a stopped sshd refuses, a tarpit is silent, and both come back", () => {
  lab.do("sshd", "web1", "stop");
  assert.match(lab.ssh("root", "web1", "true").stderr, /Connection refused/);
  lab.do("sshd", "web1", "start");
  lab.do("sshd", "web1", "tarpit");
  assert.match(lab.ssh("root", "web1", "true").stderr, /timed out during banner exchange/);
  lab.do("sshd", "web1", "resume");
  assert.equal(lab.ssh("root", "web1", "echo in").stdout, "in\n");
});

test("a pulled cable is silence, for the machine and for the other nodes", () => {
  lab.do("link", "ns1", "down");
  assert.match(lab.ssh("root", "ns1", "true").stderr, /timed out|No route/);
  assert.throws(() => lab.exec("web1", `dig +time=1 +tries=1 @${lab.node("ns1").address} lab.test`), /exit 9/);
  lab.do("link", "ns1", "up");
  assert.equal(lab.ssh("root", "ns1", "echo in").stdout, "in\n");
});

test("a full disk takes no more and loses nothing", () => {
  lab.exec("web1", "echo before >/home/before");
  for (const fault of ["diskfull", "inodes"]) {
    lab.do("fault", "web1", fault, "on");
    assert.throws(() => lab.exec("web1", "echo more >/home/more"), /No space left on device/);
    assert.throws(() => lab.exec("web1", "echo more >/etc/more"), /No space left on device/);
    assert.equal(lab.exec("web1", "cat /home/before"), "before\n");
    lab.do("fault", "web1", fault, "off");
    lab.exec("web1", "echo more >/home/more; rm /home/more; rm -f /etc/more");
  }
});

test("a held dpkg lock is in dpkg's way until it is let go", () => {
  lab.do("fault", "web1", "dpkg-lock", "on");
  assert.throws(() => lab.exec("web1", "dpkg --configure -a"), /frontend lock was locked by another process/);
  assert.notEqual(lab.try("fault", "web1", "dpkg-lock", "on").status, 0);
  lab.do("fault", "web1", "dpkg-lock", "off");
  lab.exec("web1", "dpkg --configure -a");
});

test("a slow link is slow", () => {
  const seconds = () => {
    const start = process.hrtime.bigint();
    assert.equal(lab.ssh("root", "web1", "head -c 300000 /dev/zero | tr '\\0' x").stdout.length, 300000);
    return Number(process.hrtime.bigint() - start) / 1e9;
  };
  const before = seconds();
  lab.do("fault", "web1", "slow", "on", "1mbit");
  const slow = seconds();
  lab.do("fault", "web1", "slow", "off");
  assert.ok(slow > before + 0.8, `300 kB at 1 Mbit/s: ${slow} s, before ${before} s`); /* 128 kB go in the burst */
});

test("the panel's settings are replaced, added to and removed", () => {
  lab.do("panel", "web1", "pace=fixed 200", "kill=web-a");
  lab.do("panel", "web1", "kill+=user-a:1", "pace=none");
  assert.equal(lab.exec("web1", "cat /usr/local/hestia/conf/standin.conf"), "kill=web-a\nkill=user-a:1\npace=none\n");
  lab.do("panel", "web1", "kill=", "pace=");
  assert.equal(lab.do("panel", "web1"), "");
  assert.notEqual(lab.try("panel", "web1", "nonsense").status, 0);
});

test("a wiped node is a new one", () => {
  const before = lab.node("ns2");
  lab.exec("ns2", "touch /home/kept");
  lab.do("wipe", "ns2");
  assert.notEqual(lab.node("ns2").host_key, before.host_key);
  assert.equal(lab.exec("ns2", "ls -A /home"), "admin\n");
  assert.equal(dig(lab.node("ns2").address, "ns2.lab.test"), lab.node("ns2").address);
});

test("process 1 of a node collects the dead", () => {
  lab.exec("web1", "for i in $(seq 50); do (setsid true &) ; done; sleep 0.3");
  assert.equal(lab.exec("web1", "ps -eo stat | grep -c ^Z || true").trim(), "0");
});

test("wrong words get a sentence and change nothing", () => {
  for (const args of [["exec", "web9", "true"], ["frobnicate"], ["link", "web1", "sideways"], ["fault", "web1", "mood", "on"], ["ssh"]]) {
    const run = lab.try(...args);
    assert.equal(run.status, 1, args.join(" "));
    assert.match(run.stderr, /^berth-lab: |usage/m);
  }
  assert.ok(lab.status().nodes.every((node) => node.up));
});

test("two labs live beside each other", () => {
  const other = new Lab("test-lab-two", { BERTH_LAB_NODES: "web2:web ns3:dns" });
  try {
    other.do("up");
    const { nodes, number } = other.status();
    assert.notEqual(number, lab.status().number);
    assert.deepEqual(nodes.map((node) => node.address.split(".").at(-1)), ["12", "33"]);
    assert.equal(other.ssh("root", "web2", "hostname").stdout, "web2.lab.test\n");
    assert.equal(lab.ssh("root", "web1", "hostname").stdout, "web1.lab.test\n");
    assert.equal(other.exec("web2", "dig +short ns3.lab.test").trim(), nodes[1].address);
  } finally {
    other.end();
  }
  assert.ok(lab.status().nodes.every((node) => node.up));
});

/** What of a lab can be seen on the machine. */
function traces(name, pids) {
  const links = readdirSync("/sys/class/net").filter((link) => {
    const alias = `/sys/class/net/${link}/ifalias`;
    return existsSync(alias) && readFileSync(alias, "utf8").startsWith(`berth-lab:${name}:`);
  });
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n").filter((line) => line.includes(`/berth-lab/${name}`));
  const alive = (pid) => {
    try {
      return !/^Z|^X/.test(readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /, ""));
    } catch {
      return false;
    }
  };
  return { links, mounts, processes: pids.filter(alive), state: existsSync(`/run/berth-lab/${name}`) };
}

/** Every process in the pid namespaces of the lab's nodes, and the namespaces themselves. */
function inhabitants(status) {
  const link = (pid, kind) => spawnSync("readlink", [`/proc/${pid}/ns/${kind}`], { encoding: "utf8" }).stdout.trim();
  const homes = new Set(status.nodes.map((node) => link(node.pid, "pid")));
  const pids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry) && homes.has(link(entry, "pid")));
  return { pids, networks: status.nodes.map((node) => link(node.pid, "net").replace(/\D/g, "")) };
}

test("an up that is killed on its way is cleaned up by down", async () => {
  const other = new Lab("test-lab-killed", { BERTH_LAB_NODES: "web1:web ns1:dns" });
  for (const afterMs of [20, 60, 120, 200, 300]) {
    const up = other.start("up");
    setTimeout(() => up.kill("SIGKILL"), afterMs);
    await once(up, "exit");
    const nodes = existsSync(`/run/berth-lab/${other.name}/node`) ? readdirSync(`/run/berth-lab/${other.name}/node`) : [];
    const launchers = nodes.flatMap((node) => {
      const file = `/run/berth-lab/${other.name}/node/${node}/launcher`;
      return existsSync(file) ? [readFileSync(file, "utf8").split(" ")[0]] : [];
    });
    other.do("down");
    assert.deepEqual(traces(other.name, launchers), { links: [], mounts: [], processes: [], state: false }, `after ${afterMs} ms`);
  }
  other.end();
});

test("up cleans after a lab that crashed; down leaves nothing, twice", async () => {
  const other = new Lab("test-lab-crash", { BERTH_LAB_NODES: "web1:web mail1:mail" });
  const nothing = { links: [], mounts: [], processes: [], state: false };
  other.do("up");
  const first = inhabitants(other.status());
  assert.ok(first.pids.length > 8, `${first.pids}`);
  process.kill(other.node("web1").pid, "SIGKILL");
  other.do("up");
  assert.deepEqual(traces("none", first.pids).processes, []);
  const second = inhabitants(other.status());
  assert.ok(traces(other.name, second.pids).links.length === 1);
  other.do("down");
  assert.deepEqual(traces(other.name, second.pids), nothing);
  /* the kernel ends a network namespace a moment after its last process */
  await until("the namespaces are gone", () => {
    const all = spawnSync("lsns", ["-n", "-t", "net", "-o", "NS"], { encoding: "utf8" }).stdout.split(/\s+/);
    return second.networks.every((id) => !all.includes(id));
  });
  other.end();
  assert.deepEqual(traces(other.name, second.pids), nothing);
});
