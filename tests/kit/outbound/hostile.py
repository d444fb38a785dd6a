"""Hostile URLs: loopback, private and other addresses in every spelling, and ambiguous URLs."""

# Spellings of this machine's address that some HTTP client accepts.
LOOPBACK = [
    "127.0.0.1", "127.0.0.2", "127.255.255.254", "127.1", "127.0.1", "127.000.000.001",
    "0177.0.0.1", "0177.0.0.01", "0x7f.0.0.1", "0x7F.1", "0x7f000001", "0X7F000001", "2130706433",
    "017700000001", "00000177.0.0.1", "127.0.0.1.", "127.0.0.0x1", "0", "0.0.0.0", "0.0.0.0.",
    "0x0", "00", "0.1", "[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::]", "[::127.0.0.1]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:127.0.0.1]", "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::ffff:0.0.0.0]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]",
    "[64:ff9b:1::127.0.0.1]", "[64:ff9b:1:ffff:ffff:ffff:7f00:1]", "[2002:7f00:1::]",
    "[2002:7f00:0001::1]", "[2001:0:7f00:1::]", "[2001::80ff:fffe]",
    "[2606:4700::5efe:127.0.0.1]", "[2606:4700::200:5efe:127.0.0.1]", "[fe80::5efe:127.0.0.1]",
    "127。0。0。1", "１２７.0.0.1", "①②⑦.⓪.⓪.①", "127．0．0．1", "127｡0｡0｡1",
]  # fmt: skip

# Addresses that are neither this machine nor public.
ELSEWHERE = [
    "10.0.0.1", "10.255.255.255", "10.1", "012.0.0.1", "0xa.0.0.1", "167772161",
    "100.64.0.1", "100.127.255.254", "169.254.169.254", "169.254.0.1", "169.254.169.254.",
    "2852039166", "0xa9fea9fe", "0xA9.0xFE.0xA9.0xFE", "025177524776", "0251.0376.0251.0376",
    "169.254.43518", "169.16689662", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.8",
    "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "192.168.257",
    "0xc0a80001", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "254.1.2.3", "255.255.255.255", "4294967295", "0xffffffff",
    "1.2.3.256", "1.2.3.4.5", "256.256.256.256", "4294967296", "1..2", "1.2.3.0x",
    "[fc00::1]", "[fd00:ec2::254]", "[fdff::1]", "[fe80::1]", "[fe80::1%25eth0]", "[fe80::1%eth0]",
    "[febf::1]", "[fec0::1]", "[feff::1]", "[ff02::1]", "[ff05::1:3]", "[ff0e::1]", "[100::1]",
    "[2001:db8::1]", "[2001:2::1]", "[2001:10::1]", "[2001:20::1]", "[2001:1ff::1]", "[3fff::1]",
    "[4000::1]", "[5f00::1]", "[8000::1]", "[::8.8.8.8]", "[::808:808]", "[::ffff:10.0.0.1]",
    "[::ffff:a9fe:a9fe]", "[::ffff:169.254.169.254]", "[::ffff:192.168.1.1]",
    "[::ffff:0:169.254.169.254]", "[64:ff9b::10.0.0.1]", "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::8.8.8.8]", "[2002:a00:1::]", "[2002:a9fe:a9fe::]", "[2002:c0a8:101::1]",
    "[2002:e000:1::]", "[2001:0:808:808::]", "[2a00:1450::5efe:10.0.0.1]",
    "[2a00:1450::200:5efe:169.254.169.254]",
]  # fmt: skip

# `{}` is where this machine is: a parser that reads the URL differently would connect to its port.
ODD = [
    "", " ", "/", "//{}", "{}", "https:", "https://", "https:///", "https:{}", "https:/{}",
    "https://:443", "https://?", "https://#", "https://{}:0", "https://{}:99999", "https://{}:-1",
    "https://{}:+80", "https://{}:8 0", "https://{}:80:80", "https://{}:٨٠", "https://{}:0x50",
    "ftp://{}", "file:///etc/passwd", "file://{}/etc/passwd", "gopher://{}/_x", "dict://{}/x",
    "ldap://{}", "tftp://{}/x", "jar:https://{}!/", "data:text/plain,x", "javascript:alert(1)",
    "ws://{}", "wss://{}", "unix:///run/x.sock", "http+unix://%2Frun%2Fx.sock/", "netdoc:///x",
    "https://user@{}", "https://user:password@{}", "https://@{}", "https://:@{}", "https://a%40{}",
    "https://example.com@{}", "https://{}@example.com", "https://example.com:443@{}",
    "https://example.com\\@{}", "https://{}\\@example.com", "https://example.com\\.{}",
    "https:\\\\{}", "https://{}\\", "https://example.com%2f@{}", "https://%31%32%37.0.0.1",
    "https://127.0.0.1%00.example.com", "https://localhost%23@example.com",
    "https://{}/a b", "https://{}/\r\nHost: x", "https://{}/\n", "https://{}/\t", "https://{}/\x00",
    "https://{}/?q=\r\n\r\nGET / HTTP/1.1", "https://{}\r\nX: y", "https://exam\nple.com",
    "https://exam\tple.com", "https://exam ple.com", "\thttps://{}", "https://{}/é",
    "https://{}/a\\b", "https://[{}", "https://{}]", "https://[{}]", "https://[::1",
    "https://::1", "https://::1:443", "https://[::1]x", "https://[::1]]", "https://[[::1]]",
    "https://[v1.x]", "https://[::1%25lo]", "https://[::g]", "https://[1::2::3]", "https://[]",
    "https://a..b", "https://.example.com", "https://-a.example", "https://a-.example",
    "https://" + "a" * 64 + ".example", "https://" + "a." * 130 + "example", "https://a,b.example",
    "https://a;b.example", "https://a!b", "https://$(x).example", "https://{{x}}.example",
    "https://faß.example", "https://ες.example", "https://a\u200db.example", "https://\ud800.example",
    "https://xn--\u0301.example", "https://a\u202eb.example", "https://{}/" + "a" * 2048,
]  # fmt: skip

# Names that a real resolver may know.
NAMES = ["localhost", "LOCALHOST", "localhost.", "LocalHost.", "ｌocalhost", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ"]
