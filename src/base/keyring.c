/* keyring.c - see keyring.h. */
#include "keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_BYTES 32
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES

struct keyring {
    unsigned char seal_key[KEY_BYTES];
    unsigned char mac_key[KEY_BYTES];
};

static struct keyring *keyring_from_master(const unsigned char master[KEY_BYTES])
{
    struct keyring *keyring = xcalloc(1, sizeof(*keyring));
    crypto_kdf_derive_from_key(keyring->seal_key, KEY_BYTES, 1, "berthsea", master);
    crypto_kdf_derive_from_key(keyring->mac_key, KEY_BYTES, 2, "berthmac", master);
    return keyring;
}

bool keyring_create_file(const char *path, struct err *err)
{
    if (sodium_init() < 0)
        return err_set(err, ERR_BUG, "libsodium does not start");
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(err, errno == EEXIST ? ERR_CONFLICT : ERR_IO, "create key file %s: %s", path, strerror(errno));
    unsigned char master[KEY_BYTES];
    char hex[KEY_BYTES * 2 + 2];
    randombytes_buf(master, sizeof(master));
    sodium_bin2hex(hex, sizeof(hex), master, sizeof(master));
    hex[KEY_BYTES * 2] = '\n';
    bool written = write(fd, hex, KEY_BYTES * 2 + 1) == KEY_BYTES * 2 + 1 && fsync(fd) == 0;
    int saved_errno = errno;
    sodium_memzero(master, sizeof(master));
    sodium_memzero(hex, sizeof(hex));
    close(fd);
    if (written)
        return true;
    unlink(path);
    return err_set(err, ERR_IO, "write key file %s: %s", path, strerror(saved_errno));
}

static bool check_key_file(int fd, const char *path, struct err *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return err_set(err, ERR_IO, "stat key file %s: %s", path, strerror(errno));
    if ((status.st_mode & 077) != 0)
        return err_set(err, ERR_DENIED, "key file %s may be read by others (mode %03o): chmod 600 it", path,
                       (unsigned)status.st_mode & 0777U);
    return true;
}

bool keyring_load(const char *path, struct keyring **ret_keyring, struct err *err)
{
    if (sodium_init() < 0)
        return err_set(err, ERR_BUG, "libsodium does not start");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_IO, "open key file %s: %s", path, strerror(errno));
    char hex[KEY_BYTES * 2 + 1] = "";
    unsigned char master[KEY_BYTES];
    size_t length = 0;
    bool ok = check_key_file(fd, path, err);
    if (ok) {
        ssize_t got = read(fd, hex, KEY_BYTES * 2);
        ok = got == KEY_BYTES * 2 &&
             sodium_hex2bin(master, sizeof(master), hex, KEY_BYTES * 2, NULL, &length, NULL) == 0 &&
             length == KEY_BYTES;
        if (!ok)
            err_set(err, ERR_INVALID, "key file %s does not hold 64 hex digits", path);
    }
    close(fd);
    if (ok)
        *ret_keyring = keyring_from_master(master);
    sodium_memzero(master, sizeof(master));
    sodium_memzero(hex, sizeof(hex));
    return ok;
}

struct keyring *keyring_from_seed(uint64_t seed)
{
    struct rng rng;
    rng_init_seed(&rng, seed);
    unsigned char master[KEY_BYTES];
    rng.fill(&rng, master, sizeof(master));
    return keyring_from_master(master);
}

void keyring_destroy(struct keyring *keyring)
{
    if (keyring == NULL)
        return;
    sodium_memzero(keyring, sizeof(*keyring));
    free(keyring);
}

void keyring_destroyp(struct keyring **keyring)
{
    keyring_destroy(*keyring);
}

void keyring_seal(const struct keyring *keyring, struct rng *rng, const char *context, const char *text,
                  unsigned char **ret_cipher, size_t *ret_length)
{
    size_t length = strlen(text);
    unsigned char *cipher = xcalloc(1, NONCE_BYTES + length + TAG_BYTES);
    rng->fill(rng, cipher, NONCE_BYTES);
    unsigned long long sealed = 0;
    crypto_aead_xchacha20poly1305_ietf_encrypt(cipher + NONCE_BYTES, &sealed, (const unsigned char *)text, length,
                                               (const unsigned char *)context, strlen(context), NULL, cipher,
                                               keyring->seal_key);
    *ret_cipher = cipher;
    *ret_length = NONCE_BYTES + (size_t)sealed;
}

bool keyring_open(const struct keyring *keyring, const char *context, const unsigned char *cipher, size_t length,
                  char **ret_text, struct err *err)
{
    if (length < NONCE_BYTES + TAG_BYTES)
        return err_set(err, ERR_INVALID, "the stored secret %s is damaged", context);
    char *text = xcalloc(1, length - NONCE_BYTES - TAG_BYTES + 1);
    unsigned long long opened = 0;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)text, &opened, NULL, cipher + NONCE_BYTES,
                                                   length - NONCE_BYTES, (const unsigned char *)context,
                                                   strlen(context), cipher, keyring->seal_key) != 0) {
        free(text);
        return err_set(err, ERR_INVALID, "the stored secret %s does not open with this key file", context);
    }
    *ret_text = text;
    return true;
}

void keyring_mac(const struct keyring *keyring, const char *purpose, const char *text,
                 unsigned char ret_mac[KEYRING_MAC_BYTES])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, keyring->mac_key, KEY_BYTES, KEYRING_MAC_BYTES);
    crypto_generichash_update(&state, (const unsigned char *)purpose,
                              strlen(purpose) + 1); /* the NUL keeps the two apart */
    crypto_generichash_update(&state, (const unsigned char *)text, strlen(text));
    crypto_generichash_final(&state, ret_mac, KEYRING_MAC_BYTES);
}

void password_generate(struct rng *rng, char ret_password[PASSWORD_LENGTH + 1])
{
    static const char lower[] = "abcdefghijkmnopqrstuvwxyz";
    static const char upper[] = "ABCDEFGHJKLMNPQRSTUVWXYZ";
    static const char digits[] = "23456789";
    static const char all[] = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    for (;;) {
        for (size_t i = 0; i < PASSWORD_LENGTH; i++)
            ret_password[i] = all[rng_below(rng, sizeof(all) - 1)];
        ret_password[PASSWORD_LENGTH] = '\0';
        if (strpbrk(ret_password, lower) != NULL && strpbrk(ret_password, upper) != NULL &&
            strpbrk(ret_password, digits) != NULL)
            return;
    }
}
