/* domain.c - see domain.h. */
#include "core/domain.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer than any name that could be right, in whatever script; it bounds the work on hostile input. */
#define DOMAIN_INPUT_MAX 1024

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || is_digit(c);
}

static bool is_letter_or_digit(char c)
{
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

/* What a person typed, fit for a sentence: short, and control characters do not get through to terminals. */
static const char *shown(const char *input, char buffer[80])
{
    size_t length = 0;
    for (; length < 60 && input[length] != '\0'; length++)
        buffer[length] = (unsigned char)input[length] < ' ' || input[length] == 0x7f ? '?' : input[length];
    if (input[length] == '\0') {
        buffer[length] = '\0';
        return buffer;
    }
    while (length > 0 && ((unsigned char)buffer[length - 1] & 0xc0) == 0x80) /* do not tear a UTF-8 character */
        length--;
    if (length > 0 && (unsigned char)buffer[length - 1] >= 0xc0)
        length--;
    memcpy(buffer + length, "...", 4);
    return buffer;
}

static bool domain_wrong(struct err *err, const char *input, const char *why)
{
    char buffer[80];
    return err_set_field(err, ERR_INVALID, "domain", "%s: %s", shown(input, buffer), why);
}

/* The mistakes that people make, said before the library says them in its own words. */
static bool domain_check_input(const char *input, struct err *err)
{
    unsigned char address[sizeof(struct in6_addr)];
    size_t length = strnlen(input, DOMAIN_INPUT_MAX + 1);
    if (length == 0)
        return err_set_field(err, ERR_INVALID, "domain", "the domain is empty");
    if (length > DOMAIN_INPUT_MAX)
        return domain_wrong(err, input, "longer than 253 characters");
    if (inet_pton(AF_INET, input, address) == 1 || inet_pton(AF_INET6, input, address) == 1)
        return domain_wrong(err, input, "an IP address, not a domain");
    if (strstr(input, "://") != NULL)
        return domain_wrong(err, input, "a web address, not a domain: leave out what stands before and after the name");
    if (strchr(input, '@') != NULL)
        return domain_wrong(err, input, "an e-mail address, not a domain");
    for (const char *c = input; *c != '\0'; c++) {
        if (*c == ' ' || (*c >= '\t' && *c <= '\r'))
            return domain_wrong(err, input, "contains a blank");
        if ((unsigned char)*c < 0x80 && !is_letter_or_digit(*c) && *c != '-' && *c != '.') {
            char why[64];
            snprintf(why, sizeof(why),
                     (unsigned char)*c > ' ' && *c != 0x7f ? "contains %c, only letters, digits and "
                                                             "hyphens are allowed"
                                                           : "contains a control character",
                     *c);
            return domain_wrong(err, input, why);
        }
    }
    if (input[0] == '.' || strstr(input, "..") != NULL)
        return domain_wrong(err, input, "empty label");
    return true;
}

static bool domain_check_label(const char *input, const char *label, size_t length, struct err *err)
{
    if (length == 0)
        return domain_wrong(err, input, "empty label");
    if (length > DOMAIN_LABEL_MAX)
        return domain_wrong(err, input, "a label is longer than 63 characters");
    if (label[0] == '-' || label[length - 1] == '-')
        return domain_wrong(err, input, "a label begins or ends with a hyphen");
    for (size_t i = 0; i < length; i++) {
        if (!is_lower_or_digit(label[i]) && label[i] != '-')
            return domain_wrong(err, input, "only letters, digits and hyphens are allowed");
    }
    return true;
}

/* The last line, on what the library made of the input: nothing else is ever stored. */
static bool domain_check_ascii(const char *input, const char *ascii, struct err *err)
{
    if (strlen(ascii) > DOMAIN_LENGTH_MAX)
        return domain_wrong(err, input, "longer than 253 characters");
    size_t labels = 0;
    const char *last = ascii;
    for (const char *label = ascii; label != NULL; labels++) {
        const char *end = strchr(label, '.');
        if (!domain_check_label(input, label, end != NULL ? (size_t)(end - label) : strlen(label), err))
            return false;
        last = label;
        label = end != NULL ? end + 1 : NULL;
    }
    if (labels < 2)
        return domain_wrong(err, input,
                            strncasecmp(input, "www.", 4) == 0 ? "without www. it needs at least two labels"
                                                               : "needs at least two labels, such as example.com");
    if (strspn(last, "0123456789") == strlen(last))
        return domain_wrong(err, input, "its last label is all digits");
    return true;
}

static const char *idn_sentence(int code)
{
    switch (code) {
    case IDN2_ENCODING_ERROR:
    case IDN2_ICONV_FAIL: return "not valid UTF-8";
    case IDN2_TOO_BIG_LABEL:
    case IDN2_PUNYCODE_BIG_OUTPUT: return "a label is longer than 63 characters";
    case IDN2_TOO_BIG_DOMAIN: return "longer than 253 characters";
    case IDN2_PUNYCODE_BAD_INPUT:
    case IDN2_PUNYCODE_OVERFLOW:
    case IDN2_INVALID_ALABEL:
    case IDN2_ALABEL_ROUNDTRIP_FAILED: return "an xn-- label is not valid";
    case IDN2_HYPHEN_STARTEND: return "a label begins or ends with a hyphen";
    case IDN2_LEADING_COMBINING: return "a label begins with a combining character";
    case IDN2_BIDI: return "mixes writing directions in a way that is not allowed";
    case IDN2_2HYPHEN: return "a label has hyphens as its third and fourth characters";
    default: return "contains a character that is not allowed in domain names";
    }
}

/* Is it made of letters, digits, hyphens and dots, without a label that has hyphens as its third and fourth characters, such as
 * xn--? Then IDNA only makes it lower case, and the library, whose tables are for the other names, need not be asked. */
static bool domain_is_plain(const char *input)
{
    for (const char *label = input; label != NULL; label = strchr(label, '.')) {
        label += *label == '.';
        size_t length = strcspn(label, ".");
        if (length >= 4 && label[2] == '-' && label[3] == '-')
            return false;
        for (size_t i = 0; i < length; i++) {
            if (!is_letter_or_digit(label[i]) && label[i] != '-')
                return false;
        }
    }
    return true;
}

static bool domain_map(const char *input, char **ret_mapped, struct err *err)
{
    if (domain_is_plain(input)) {
        *ret_mapped = xstrdup(input);
        for (char *c = *ret_mapped; *c != '\0'; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
        return true;
    }
    char *mapped = NULL;
    int code = idn2_to_ascii_8z(input, &mapped, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES);
    if (code != IDN2_OK)
        return domain_wrong(err, input, idn_sentence(code));
    *ret_mapped = xstrdup(mapped);
    idn2_free(mapped);
    return true;
}

bool domain_normalise(const char *input, char **ret_ascii, struct err *err)
{
    CLEANUP(freep) char *mapped = NULL;
    if (!domain_check_input(input, err) || !domain_map(input, &mapped, err))
        return false;
    char *ascii = mapped;
    size_t length = strlen(ascii);
    if (length > 0 && ascii[length - 1] == '.')
        ascii[length - 1] = '\0';
    while (strncmp(ascii, "www.", 4) == 0)
        ascii += 4;
    if (!domain_check_ascii(input, ascii, err))
        return false;
    *ret_ascii = xstrdup(ascii);
    return true;
}

bool domain_to_unicode(const char *ascii, char **ret_unicode, struct err *err)
{
    char *unicode = NULL;
    int code = idn2_to_unicode_8z8z(ascii, &unicode, 0);
    if (code != IDN2_OK)
        return domain_wrong(err, ascii, idn_sentence(code));
    *ret_unicode = xstrdup(unicode);
    idn2_free(unicode);
    return true;
}

/* ---- e-mail addresses ---- */

static bool email_wrong(struct err *err, const char *email, const char *why)
{
    char buffer[80];
    return err_set_field(err, ERR_INVALID, "client.email", "%s: %s", shown(email, buffer), why);
}

static bool email_check_local(const char *email, size_t length, struct err *err)
{
    if (length == 0 || length > 64)
        return email_wrong(err, email, "needs 1 to 64 characters before the @");
    if (email[0] == '.' || email[length - 1] == '.')
        return email_wrong(err, email, "the part before the @ begins or ends with a dot");
    for (size_t i = 0; i < length; i++) {
        if (!is_letter_or_digit(email[i]) && strchr("._%+-", email[i]) == NULL)
            return email_wrong(err, email, "only letters, digits and . _ % + - may stand before the @");
        if (email[i] == '.' && email[i + 1] == '.')
            return email_wrong(err, email, "two dots in a row");
    }
    return true;
}

static bool email_check_domain(const char *email, const char *domain, struct err *err)
{
    size_t labels = 0;
    const char *last = domain;
    for (const char *label = domain; label != NULL; labels++) {
        size_t length = strcspn(label, ".");
        if (length == 0 || length > DOMAIN_LABEL_MAX || label[0] == '-' || label[length - 1] == '-')
            return email_wrong(err, email, "what stands behind the @ is not a domain");
        for (size_t i = 0; i < length; i++) {
            if (!is_letter_or_digit(label[i]) && label[i] != '-')
                return email_wrong(err, email, "only letters, digits, hyphens and dots may stand behind the @");
        }
        last = label;
        label = label[length] == '.' ? label + length + 1 : NULL;
    }
    /* As the panel has it: letters only at the end, or a punycode label without further hyphens. */
    const char *c = strncmp(last, "xn--", 4) == 0 ? last + 4 : last;
    bool digits_allowed = c != last;
    for (; *c != '\0'; c++) {
        if (*c == '-' || (is_digit(*c) && !digits_allowed))
            return email_wrong(err, email, "its last label must consist of letters");
    }
    if (labels < 2 || strlen(last) < 2)
        return email_wrong(err, email, "what stands behind the @ is not a domain");
    return true;
}

bool email_check(const char *email, struct err *err)
{
    if (email[0] == '\0')
        return err_set_field(err, ERR_INVALID, "client.email", "the e-mail address is empty");
    if (strnlen(email, EMAIL_LENGTH_MAX + 1) > EMAIL_LENGTH_MAX)
        return email_wrong(err, email, "longer than 254 characters");
    const char *at = strchr(email, '@');
    if (at == NULL)
        return email_wrong(err, email, "has no @");
    return email_check_local(email, (size_t)(at - email), err) && email_check_domain(email, at + 1, err);
}

/* ---- names of nodes, groups, products ---- */

bool name_check(const char *name, const char *field, struct err *err)
{
    char buffer[80];
    size_t length = strnlen(name, NAME_LENGTH_MAX + 1);
    if (length == 0)
        return err_set_field(err, ERR_INVALID, field, "the name is empty");
    if (length > NAME_LENGTH_MAX)
        return err_set_field(err, ERR_INVALID, field, "%s: longer than %d characters", shown(name, buffer),
                             NAME_LENGTH_MAX);
    for (size_t i = 0; i < length; i++) {
        if (!is_lower_or_digit(name[i]) && name[i] != '-')
            return err_set_field(err, ERR_INVALID, field, "%s: only a-z, 0-9 and - are allowed", shown(name, buffer));
    }
    if (name[0] == '-')
        return err_set_field(err, ERR_INVALID, field, "%s: begins with a hyphen", shown(name, buffer));
    return true;
}
