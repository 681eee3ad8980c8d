#include "shell/wiped.h"

#include "base/ct.h"

#include <curl/curl.h>
#include <jansson.h>
#include <libxml/xmlmemory.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static void release(void *p)
{
    if (p != NULL) {
        ct_wipe(p, malloc_usable_size(p));
        free(p);
    }
}

static void *resize(void *p, size_t n)
{
    void *fresh = malloc(n);
    if (fresh != NULL && p != NULL) {
        size_t old = malloc_usable_size(p);
        memcpy(fresh, p, old < n ? old : n);
        release(p);
    }
    return fresh;
}

void wiped_json(void)
{
    json_set_alloc_funcs(malloc, release);
}

err_t wiped_curl(void)
{
    CURLcode code = curl_global_init_mem(CURL_GLOBAL_ALL, malloc, release, resize, strdup, calloc);
    return code == CURLE_OK ? ERR_OK : ERR_LIMIT_CAPACITY;
}

err_t wiped_xml(void)
{
    return xmlMemSetup(release, malloc, resize, strdup) == 0 ? ERR_OK : ERR_LIMIT_CAPACITY;
}
