/* SPDX-License-Identifier: MIT */
/* Made-up statuses: people, words of eleven languages, links, tags, mentions, media, cards, polls. */
#include "statuses.h"

#include <string.h>

#include "attr.h"
#include "json_write.h"

struct language {
	const char *code;
	unsigned share;  /* of 100 posts */
	const char *gap; /* between words */
	const char *words[24];
};

static const struct language languages[] = {
	{"en", 46, " ",
		{"morning", "the", "harbour", "was", "quiet", "and", "we", "walked", "along", "old",
			"bridge", "with", "coffee", "before", "rain", "started", "again", "someone",
			"played", "trumpet", "don't", "forget", "your", "umbrella"}},
	{"de", 12, " ",
		{"heute", "früh", "war", "der", "Hafen", "still", "und", "wir", "gingen", "über",
			"die", "alte", "Brücke", "mit", "Kaffee", "bevor", "Regen", "anfing",
			"jemand", "spielte", "Trompete", "größer", "schön", "Straße"}},
	{"fr", 7, " ",
		{"ce", "matin", "le", "port", "était", "calme", "nous", "avons", "marché", "sur",
			"vieux", "pont", "avec", "un", "café", "avant", "que", "la", "pluie",
			"commence", "quelqu’un", "jouait", "été", "forêt"}},
	{"ja", 12, "",
		{"今朝の", "港は", "静かで", "古い橋を", "歩いた", "コーヒー", "雨が", "降る前に",
			"誰かが", "トランペットを", "吹いていた", "とても", "綺麗な", "空",
			"でした", "。", "猫が", "寝ている", "電車", "待って", "写真を", "撮った",
			"そして", "また"}},
	{"es", 6, " ",
		{"esta", "mañana", "el", "puerto", "estaba", "tranquilo", "y", "caminamos", "por",
			"viejo", "puente", "con", "café", "antes", "de", "la", "lluvia", "alguien",
			"tocaba", "trompeta", "niño", "corazón", "también", "aquí"}},
	{"ru", 5, " ",
		{"сегодня", "утром", "в", "порту", "было", "тихо", "и", "мы", "шли", "по",
			"старому", "мосту", "с", "кофе", "перед", "дождём", "кто-то", "играл", "на",
			"трубе", "ещё", "потом", "очень", "красиво"}},
	{"pt", 4, " ",
		{"hoje", "de", "manhã", "o", "porto", "estava", "calmo", "e", "nós", "andamos",
			"pela", "ponte", "velha", "com", "café", "antes", "da", "chuva", "alguém",
			"tocava", "não", "coração", "também", "pão"}},
	{"ar", 2, " ",
		{"هذا", "الصباح", "كان", "الميناء", "هادئا", "مشينا", "على", "الجسر", "القديم",
			"مع", "القهوة", "قبل", "المطر", "شخص", "يعزف", "البوق", "ثم", "جلسنا",
			"قرب", "الماء", "و", "رأينا", "قطة", "صغيرة"}},
	{"ko", 2, " ",
		{"오늘", "아침", "항구는", "조용했고", "우리는", "오래된", "다리를", "걸었다",
			"커피와", "함께", "비가", "오기", "전에", "누군가", "트럼펫을", "불었다",
			"고양이", "한", "마리가", "자고", "있었다", "하늘이", "정말", "예뻤다"}},
	{"zh", 2, "",
		{"今天", "早上", "港口", "很", "安静", "我们", "走过", "老桥", "带着", "咖啡",
			"下雨", "之前", "有人", "吹", "小号", "，", "猫", "睡在", "窗边", "天空",
			"真", "好看", "然后", "回家。"}},
	{"tr", 2, " ",
		{"bu", "sabah", "liman", "sessizdi", "ve", "eski", "köprüde", "yürüdük", "kahve",
			"ile", "yağmurdan", "önce", "biri", "trompet", "çalıyordu", "ışık", "sık",
			"gökyüzü", "çok", "güzeldi", "sonra", "kedi", "uyuyor", "İstanbul"}},
};
static const char *const tags[] = {"caturday", "photography", "birds", "Linux", "gardening",
	"Kaffee", "猫", "music", "books", "bloomscrolling"};
static const char *const hosts[] = {"social.example", "fedi.example", "art.example", "town.example",
	"toots.example", "xn--caf-dma.example"};
static const char *const emoji[] = {
	"🌻", "☕", "🚲", "🐈", "✨", "🏳️‍🌈", "👩🏽‍🚀", "❤️"};

enum { PEOPLE = 5000, TIME_PER_POST_MS = 700 };

static unsigned
below(struct statuses *s, unsigned bound)
{
	return (unsigned)rng_below(&s->rng, bound);
}

static bool
one_in(struct statuses *s, unsigned count)
{
	return below(s, count) == 0;
}

#define PICK(s, list) (list)[below((s), (unsigned)COUNT_OF(list))]

static const struct language *
pick_language(struct statuses *s)
{
	unsigned at = below(s, 100), i = 0;
	while (i + 1 < COUNT_OF(languages) && at >= languages[i].share)
		at -= languages[i++].share;
	return &languages[i];
}

/* Words of a language as HTML text. */
static void
put_words(struct statuses *s, const struct language *language, unsigned count, struct buf *out)
{
	for (unsigned i = 0; i < count; i++) {
		if (i > 0)
			buf_add_text(out, language->gap);
		buf_add_text(out, PICK(s, language->words));
		if (one_in(s, 14))
			buf_add_text(out, one_in(s, 3) ? " &amp;" : ",");
	}
}

static void
put_link(struct statuses *s, struct buf *out)
{
	unsigned number = below(s, 1000000);
	const char *host = PICK(s, hosts);
	buf_printf(out,
		" <a href=\"https://%s/posts/%u?from=feed&amp;n=%u\" target=\"_blank\" rel=\"nofollow noopener noreferrer\" "
		"translate=\"no\"><span class=\"invisible\">https://</span><span class=\"ellipsis\">%s/posts/%u</span>"
		"<span class=\"invisible\">?from=feed&amp;n=%u</span></a>",
		host, number, number, host, number, number);
}

static void
put_content(struct statuses *s, const struct language *language, const char *tag,
	const char *friend, struct buf *out)
{
	unsigned paragraphs = 1 + (one_in(s, 3) ? 1 + below(s, 3) : 0);
	for (unsigned i = 0; i < paragraphs; i++) {
		buf_add_text(out, "<p>");
		if (i == 0 && friend)
			buf_printf(out,
				"<span class=\"h-card\" translate=\"no\"><a href=\"https://town.example/@%s\" class=\"u-url "
				"mention\">@<span>%s</span></a></span> ",
				friend, friend);
		put_words(s, language, 6 + below(s, 30), out);
		if (one_in(s, 4))
			buf_printf(out, " %s", PICK(s, emoji));
		if (one_in(s, 5))
			put_link(s, out);
		if (one_in(s, 4)) {
			buf_add_text(out, "<br />");
			put_words(s, language, 3 + below(s, 9), out);
		}
		buf_add_text(out, "</p>");
	}
	if (tag)
		buf_printf(out,
			"<p><a href=\"https://town.example/tags/%s\" class=\"mention hashtag\" rel=\"tag\">#<span>%s</span></a></p>",
			tag, tag);
}

static void
put_account(struct statuses *s, const struct language *language, struct buf *out)
{
	unsigned person = below(s, PEOPLE);
	const char *host = hosts[person % COUNT_OF(hosts)];
	struct buf note;
	buf_init(&note, 8192);
	buf_add_text(&note, "<p>");
	put_words(s, language, 20 + below(s, 30), &note);
	buf_add_text(&note, "</p>");
	buf_printf(out,
		",\"account\":{\"id\":\"%llu\",\"username\":\"p%u\",\"acct\":\"p%u@%s\",\"display_name\":\"Person %u %s\",\"locked\":%s,"
		"\"bot\":%s,\"discoverable\":true,\"indexable\":%s,\"group\":false,\"created_at\":\"202%u-11-06T00:00:00.000Z\","
		"\"note\":",
		109000000000000000ULL + person, person, person, host, person,
		emoji[person % COUNT_OF(emoji)], person % 9 ? "false" : "true",
		person % 20 ? "false" : "true", person % 3 ? "true" : "false", person % 6);
	json_put_str(out, buf_str(&note));
	buf_finish(&note);
	buf_printf(out,
		",\"url\":\"https://%s/@p%u\",\"uri\":\"https://%s/users/p%u\",\"avatar\":\"https://files.town.example/cache/accounts/"
		"avatars/109/%03u/original/%08x.png\",\"avatar_static\":\"https://files.town.example/cache/accounts/avatars/109/%03u/"
		"original/%08x.png\",\"header\":\"https://files.town.example/headers/original/missing.png\",\"header_static\":\"https://"
		"files.town.example/headers/original/missing.png\",\"followers_count\":%u,\"following_count\":%u,\"statuses_count\":%u,"
		"\"last_status_at\":\"2026-11-20\",\"hide_collections\":false,\"emojis\":[],\"fields\":[",
		host, person, host, person, person % 1000, person * 2654435761U, person % 1000,
		person * 2654435761U, below(s, 3000), below(s, 900), below(s, 20000));
	for (unsigned i = 0; i < person % 4; i++)
		buf_printf(out,
			"%s{\"name\":\"Web\",\"value\":\"<a href=\\\"https://p%u.example/\\\" rel=\\\"me\\\">p%u.example</a>\",\"verified_at\":null}",
			i ? "," : "", person, person);
	buf_add_text(out, "]}");
}

static void
put_media(struct statuses *s, const struct language *language, struct buf *out)
{
	unsigned count = one_in(s, 4) ? 1 + below(s, 3) : 0;
	buf_add_text(out, ",\"media_attachments\":[");
	for (unsigned i = 0; i < count; i++) {
		unsigned id = below(s, 1000000);
		struct buf alt;
		buf_init(&alt, 8192);
		put_words(s, language, 4 + below(s, 20), &alt);
		buf_printf(out,
			"%s{\"id\":\"%u\",\"type\":\"image\",\"url\":\"https://files.town.example/media/%u/original.jpg\",\"preview_url\":"
			"\"https://files.town.example/media/%u/small.jpg\",\"remote_url\":null,\"meta\":{\"original\":{\"width\":1600,\"height\":"
			"1200,\"size\":\"1600x1200\",\"aspect\":1.3333}},\"blurhash\":\"UBL_:rOpGG-=u\",\"description\":",
			i ? "," : "", id, id, id);
		if (one_in(s, 4))
			buf_add_text(out, "null");
		else
			json_put_str(out, buf_str(&alt));
		buf_add_char(out, '}');
		buf_finish(&alt);
	}
	buf_add_char(out, ']');
}

static void
put_odds(struct statuses *s, const char *tag, const char *friend, struct buf *out)
{
	buf_add_text(out, ",\"mentions\":[");
	if (friend)
		buf_printf(out,
			"{\"id\":\"7\",\"username\":\"%s\",\"url\":\"https://town.example/@%s\",\"acct\":\"%s@town.example\"}",
			friend, friend, friend);
	buf_add_text(out, "],\"tags\":[");
	if (tag)
		buf_printf(out, "{\"name\":\"%s\",\"url\":\"https://town.example/tags/%s\"}", tag,
			tag);
	buf_add_text(out, "],\"emojis\":[],\"card\":");
	if (one_in(s, 8))
		buf_add_text(out,
			"{\"url\":\"https://news.example/a\",\"title\":\"A walk by the harbour\",\"description\":\"Quiet mornings, and where to find "
			"them.\",\"language\":\"en\",\"type\":\"link\",\"author_name\":\"\",\"author_url\":\"\",\"provider_name\":\"News\","
			"\"provider_url\":\"\",\"html\":\"\",\"width\":1200,\"height\":630,\"image\":null,\"embed_url\":\"\"}");
	else
		buf_add_text(out, "null");
	buf_add_text(out, ",\"poll\":");
	buf_add_text(out,
		one_in(s, 40)
			? "{\"id\":\"3\",\"expires_at\":\"2026-11-21T12:00:00.000Z\",\"expired\":false,\"multiple\":false,"
			  "\"votes_count\":3,\"options\":[{\"title\":\"tea\",\"votes_count\":1},{\"title\":\"coffee\","
			  "\"votes_count\":2}],\"emojis\":[]}"
			: "null");
	buf_add_text(out, ",\"filtered\":[]");
}

void
statuses_init(struct statuses *statuses, uint64_t seed)
{
	*statuses = (struct statuses){0};
	rng_seed(&statuses->rng, seed);
}

void
statuses_put(struct statuses *s, struct buf *out)
{
	const struct language *language = pick_language(s);
	const char *tag = one_in(s, 3) ? PICK(s, tags) : NULL;
	const char *friend = one_in(s, 4) ? "carol" : NULL;
	unsigned long long id = 116000000000000000ULL + s->number * 1000;
	unsigned seconds = (unsigned)(s->number * TIME_PER_POST_MS / 1000 % 86400);
	struct buf content;
	buf_init(&content, 65536);
	put_content(s, language, tag, friend, &content);
	s->number++;
	buf_printf(out,
		"{\"id\":\"%llu\",\"created_at\":\"2026-11-20T%02u:%02u:%02u.000Z\",\"in_reply_to_id\":%s,\"in_reply_to_account_id\":null,"
		"\"sensitive\":false,\"spoiler_text\":\"%s\",\"visibility\":\"public\",\"language\":\"%s\",\"uri\":\"https://peer.example/"
		"users/p/statuses/%llu\",\"url\":\"https://peer.example/@p/%llu\",\"replies_count\":0,\"reblogs_count\":0,"
		"\"favourites_count\":0,\"quotes_count\":0,\"edited_at\":null,\"content\":",
		id, seconds / 3600, seconds / 60 % 60, seconds % 60, friend ? "\"115\"" : "null",
		one_in(s, 15) ? "food" : "", language->code, id, id);
	json_put_str(out, buf_str(&content));
	buf_finish(&content);
	buf_add_text(out, ",\"reblog\":null,\"application\":null");
	put_account(s, language, out);
	put_media(s, language, out);
	put_odds(s, tag, friend, out);
	buf_add_char(out, '}');
}
