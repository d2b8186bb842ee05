/* probe_records.c - see probe_records.h. */
#include "transport/probe_records.h"

#include <ldns/ldns.h>

void probe_text_add(struct buf *text, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < length; i++) {
        if (at[i] == '\\')
            buf_add_text(text, "\\\\");
        else if (at[i] >= ' ' && at[i] < 0x7f)
            buf_add_char(text, (char)at[i]);
        else
            buf_addf(text, "\\%03u", at[i]);
    }
}

static void add_ldns_text(struct buf *text, const ldns_rdf *rdf)
{
    char *shown = ldns_rdf2str(rdf);
    buf_add_text(text, shown != NULL ? shown : "?");
    LDNS_FREE(shown);
}

static void add_name(struct buf *text, const ldns_rdf *name)
{
    ldns_rdf *lower = ldns_rdf_clone(name);
    ldns_dname2canonical(lower);
    add_ldns_text(text, lower);
    ldns_rdf_deep_free(lower);
}

/* One <character-string>: a length byte, then that many bytes. */
static void add_string(struct buf *text, const ldns_rdf *rdf)
{
    const uint8_t *data = ldns_rdf_data(rdf);
    size_t size = ldns_rdf_size(rdf);
    if (size > 0)
        probe_text_add(text, data + 1, size - 1);
}

static void add_field(struct buf *text, const ldns_rdf *rdf)
{
    switch ((int)ldns_rdf_get_type(rdf)) {
    case LDNS_RDF_TYPE_DNAME: add_name(text, rdf); break;
    case LDNS_RDF_TYPE_STR: add_string(text, rdf); break;
    case LDNS_RDF_TYPE_LONG_STR: /* the value of a CAA: no length byte, the rest of the record */
        buf_add_char(text, '"');
        probe_text_add(text, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
        buf_add_char(text, '"');
        break;
    default: add_ldns_text(text, rdf); break;
    }
}

void probe_record_add(struct buf *text, const void *record)
{
    const ldns_rr *rr = record;
    ldns_rr_type kind = ldns_rr_get_type(rr);
    char *type = ldns_rr_type2str(kind);
    buf_add_text(text, "record ");
    add_name(text, ldns_rr_owner(rr));
    buf_addf(text, " %u %s ", ldns_rr_ttl(rr), type != NULL ? type : "?");
    LDNS_FREE(type);
    bool joined = kind == LDNS_RR_TYPE_TXT || kind == LDNS_RR_TYPE_SPF;
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        if (i > 0 && !joined)
            buf_add_char(text, ' ');
        add_field(text, ldns_rr_rdf(rr, i));
    }
    buf_add_char(text, '\n');
}
