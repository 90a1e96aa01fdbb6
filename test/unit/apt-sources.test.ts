import { describe, expect, test } from "vitest";
import {
  chooseDebianMirror,
  mirrorListPath,
  parseDeb822,
  parseMirrorList,
  parseOneLine,
} from "../../src/workbench/db/apt-sources.ts";

const debianKey = "/usr/share/keyrings/debian-archive-keyring.gpg";

describe("one-line sources", () => {
  test("reads options, comments and several components", () => {
    const sources = parseOneLine(`
# deb http://old.example.org/debian buster main
deb [arch=amd64 signed-by=${debianKey}] http://mirror.example.org/debian/ bookworm main contrib # us
deb-src http://mirror.example.org/debian bookworm main
debtor http://mirror.example.org/debian bookworm main
deb
`);
    expect(sources).toEqual([
      {
        types: ["deb"],
        uris: ["http://mirror.example.org/debian/"],
        suites: ["bookworm"],
        components: ["main", "contrib"],
        signedBy: debianKey,
      },
      {
        types: ["deb-src"],
        uris: ["http://mirror.example.org/debian"],
        suites: ["bookworm"],
        components: ["main"],
      },
    ]);
  });

  test("an empty file has none", () => {
    expect(parseOneLine("")).toEqual([]);
  });
});

describe("deb822 sources", () => {
  test("reads stanzas, continued fields, any case of field names, comments within", () => {
    const sources = parseDeb822(`# Managed by an image
Types: deb deb-src
URIs: http://mirror.example.org/debian
# a remark
suites: bookworm bookworm-updates
Components: main
 contrib
Signed-By: ${debianKey}

Types: deb
URIs: http://security.example.org/debian-security
Suites: bookworm-security
Components: main
`);
    expect(sources).toEqual([
      {
        types: ["deb", "deb-src"],
        uris: ["http://mirror.example.org/debian"],
        suites: ["bookworm", "bookworm-updates"],
        components: ["main", "contrib"],
        signedBy: debianKey,
      },
      {
        types: ["deb"],
        uris: ["http://security.example.org/debian-security"],
        suites: ["bookworm-security"],
        components: ["main"],
      },
    ]);
  });

  test("leaves out what is disabled", () => {
    expect(
      parseDeb822(
        "Enabled: no\nTypes: deb\nURIs: http://a.example.org/debian\nSuites: " +
          "sid\nComponents: main\n",
      ),
    ).toEqual([]);
    expect(
      parseDeb822(
        "Enabled: yes\nTypes: deb\nURIs: http://a.example.org/debian\nSuites: " +
          "sid\nComponents: main\n",
      ),
    ).toHaveLength(1);
  });

  test("keeps an embedded key apart from the fields", () => {
    const [source] = parseDeb822(`Types: deb
URIs: http://a.example.org/debian
Suites: trixie
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 Comment: text
 -----END PGP PUBLIC KEY BLOCK-----
`);
    expect(source).toMatchObject({ suites: ["trixie"], components: ["main"] });
    expect(source?.signedBy).toContain("BEGIN PGP");
  });
});

describe("choosing Debian's mirror", () => {
  const debian = "deb http://mirror.example.org/debian bookworm main";
  const updates = "deb http://mirror.example.org/debian bookworm-updates main";
  const choose = (...lines: string[]): string | undefined =>
    chooseDebianMirror(parseOneLine(lines.join("\n")));

  test("takes the only one, without its trailing slash", () => {
    expect(choose("deb https://mirror.example.org/debian/ trixie main")).toBe(
      "https://mirror.example.org/debian",
    );
  });

  test("never the security archive", () => {
    expect(
      choose("deb http://security.example.org/debian-security bookworm-security main"),
    ).toBeUndefined();
    expect(choose("deb http://archive.example.org/debian bookworm-security main")).toBeUndefined();
    expect(
      choose("deb http://security.example.org/debian-security bookworm-security main", debian),
    ).toBe("http://mirror.example.org/debian");
  });

  test("not a vendor's archive, whether it uses suites of its own or Debian's", () => {
    expect(choose("deb https://vendor.example.com/node_20.x nodistro main")).toBeUndefined();
    expect(choose("deb https://vendor.example.com/apt cloud-bookworm main")).toBeUndefined();
    expect(choose("deb https://vendor.example.com/linux/debian bookworm stable")).toBeUndefined();
    const vendor =
      "deb [signed-by=/etc/apt/keyrings/vendor.gpg] https://vendor.example.com/debian " +
      "bookworm main";
    expect(choose(vendor, debian, updates)).toBe("http://mirror.example.org/debian");
    expect(choose(vendor, debian)).toBe("http://mirror.example.org/debian");
  });

  test("not Ubuntu's", () => {
    expect(choose("deb http://archive.example.com/ubuntu noble main restricted")).toBeUndefined();
  });

  test("only http and https, and only binary packages", () => {
    expect(
      choose("deb cdrom:[Debian]/ bookworm main", "deb file:/srv/mirror/debian bookworm main"),
    ).toBeUndefined();
    expect(choose("deb-src http://mirror.example.org/debian bookworm main")).toBeUndefined();
  });

  test("the first one among equals", () => {
    expect(
      choose(
        "deb http://a.example.org/debian sid main",
        "deb http://b.example.org/debian sid main",
      ),
    ).toBe("http://a.example.org/debian");
  });

  test("a mirror under another path counts too", () => {
    expect(choose("deb https://proxy.example.com/repository/debian-remote bookworm main")).toBe(
      "https://proxy.example.com/repository/debian-remote",
    );
  });
});

describe("mirror lists", () => {
  test("are named by mirror+file addresses", () => {
    expect(mirrorListPath("mirror+file:///etc/apt/mirrors/debian.list")).toBe(
      "/etc/apt/mirrors/debian.list",
    );
    expect(mirrorListPath("mirror+file:/etc/apt/mirrors/debian.list")).toBe(
      "/etc/apt/mirrors/debian.list",
    );
    expect(mirrorListPath("http://mirror.example.org/debian")).toBeUndefined();
  });

  test("hold an address a line, with options after it", () => {
    expect(
      parseMirrorList(
        "# first\nhttps://a.example.org/debian\tpriority:1\nftp://b.example.org/debian\n\n",
      ),
    ).toEqual(["https://a.example.org/debian"]);
  });
});
