"""Number words of the languages that Isnad is measured in: plain tables, read by ``rag/numerals.py``.

An entry is a value and its forms. ``+`` stands for an ending of up to four letters; ``~`` marks a word that means other
things too, or says the number only in passing ("both", "twice"): it counts as there in a source, but is no claim of a
sentence. A hundred and everything from a thousand on multiply what stands before them, as does what is written ``×10``;
``+10`` is added to it, and ``=100`` stands for itself alone.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache

import regex

from rag.spelling import fold

# Words like "million" and "milyar" are nearly the same wherever Latin letters are written.
_LATIN_SCALES = (
    "1000000 million+ milion+ milione+ millón millon+ milhão milhao+ milhoes milyon+ juta mln mio mn milioni triệu;"
    "1000000000 billion+ milliard+ miliard+ milyar+ mrd bn bln;1000000000000 trillion+ trilyon+ trilion+ triliun;"
)

WORDS: dict[str, str] = {
    "en": "0 zero;1 ~one ~once ~first ~single;2 two second+ ~twice ~double+ ~both ~pair ~couple ~twins;"
    "3 three third ~thirds ~triple+ ~thrice;4 four fourth ~quarter+;5 five fifth ~fifths;6 six sixth;7 seven seventh;"
    "8 eight eighth;9 nine ninth;10 ten tenth ~tenths ~decade+;11 eleven+;12 twelve twelfth dozen+;13 thirteen+;"
    "14 fourteen+;15 fifteen+;16 sixteen+;17 seventeen+;18 eighteen+;19 nineteen+;"
    "20 twenty twentieth twenties ~score;"
    "30 thirty thirtieth thirties;40 forty fortieth forties;50 fifty fiftieth fifties;60 sixty sixtieth sixties;"
    "70 seventy seventieth seventies;80 eighty eightieth eighties;90 ninety ninetieth nineties;"
    "100 hundred+ ~century ~centuries;1000 thousand+;100000 lakh+;10000000 crore+;0.5 half halves;"
    "0.333 ~third thirds;"
    "0.25 ~quarter+;0.2 ~fifth fifths;0.1 ~tenth tenths;" + _LATIN_SCALES,
    "ar": "0 صفر;1 ~واحد ~واحدة ~احد ~احدى ~اول ~اولى;"
    "2 اثنان اثنين اثنتان اثنتين اثنا اثني اثنتا اثنتي ثاني ثانية ثان ~كلا ~كلي ~كلتا ~كلتي ~مرتين ~ضعف ~ضعفي ~عامين"
    " ~عامان ~عاما ~سنتين ~سنتان ~شهرين ~شهران ~يومين ~يومان ~اسبوعين ~اسبوعان ~ساعتين ~ساعتان ~دقيقتين ~قرنين ~مترين"
    " ~بلدين ~بلدان ~طرفين ~جانبين ~جانبان ~طرفان ~شخصين ~شخصان ~رجلين ~طفلين ~طفلان ~عقدين ~رئيسين ~وزيرين ~كيلومترين"
    " ~توامين ~شقيقين ~جنديين;"
    "3 ثلاث ثلاثة ثالث ثالثة;4 اربع اربعة رابع رابعة;5 خمس خمسة خامس خامسة;6 ست ستة سادس سادسة;7 سبع سبعة سابع سابعة;"
    "8 ثمان ثماني ثمانية ثامن ثامنة;9 تسع تسعة تاسع تاسعة;10 عشر عشرة عاشر عاشرة ~عقد;20 عشرون عشرين ~عشرات ~عقدين;"
    "30 ثلاثون ثلاثين;40 اربعون اربعين;50 خمسون خمسين;60 ستون ستين;70 سبعون سبعين;80 ثمانون ثمانين;90 تسعون تسعين;"
    "100 مئة مائة مئات مية ~قرن;200 مئتين مئتان مائتين مائتان مئتا مئتي;300 ثلاثمئة ثلاثمائة;400 اربعمئة اربعمائة;"
    "500 خمسمئة خمسمائة;600 ستمئة ستمائة;700 سبعمئة سبعمائة;800 ثمانمئة ثمانمائة ثمانيمائة;900 تسعمئة تسعمائة;"
    "1000 الف الاف الفا;2000 الفين الفان الفا الفي;1000000 مليون ملايين مليونا;2000000 مليونين مليونان مليوني;"
    "1000000000 مليار مليارات بليون بلايين مليارا;2000000000 مليارين ملياري;1000000000000 تريليون تريليونات;"
    "0.5 نصف ~منتصف;0.333 ثلث;0.667 ثلثي ثلثين ثلثا;0.25 ~ربع;0.2 ~خمس;0.1 ~عشر",
    "fa": "0 صفر;1 ~يك ~اول ~نخست ~يكم ~نخستين ~اولين;2 دو دوم دومين ~هردو ~دوبار ~دوباره;3 سه سوم سومين;"
    "4 چهار چهارم چهارمين;5 پنج پنجم پنجمين;6 شش ششم ششمين;7 هفت هفتم هفتمين;8 هشت هشتم هشتمين;9 ~نه نهم نهمين;"
    "10 ده دهم دهمين ~دهه;11 يازده يازدهم;12 دوازده دوازدهم;13 سيزده سيزدهم;14 چهارده چهاردهم;15 پانزده پانزدهم;"
    "16 شانزده شانزدهم;17 هفده هفدهم;18 هجده هيجده هجدهم;19 نوزده نوزدهم;20 بيست بيستم;30 ~سي سي‌ام;40 چهل چهلم;"
    "50 پنجاه پنجاهم;60 شصت;70 هفتاد;80 هشتاد;90 نود;100 صد صدها ~قرن;200 دويست;300 سيصد;400 چهارصد;"
    "500 پانصد;600 ششصد;"
    "700 هفتصد;800 هشتصد;900 نهصد;1000 هزار هزاران;1000000 ميليون ميليونها;1000000000 ميليارد ميلياردها;"
    "1000000000000 تريليون;0.5 نصف ~نيم ~نيمي;0.333 ثلث سوم;0.25 ~ربع",
    "tr": "0 sıfır;1 ~bir ~ilk ~birinci ~tek;2 iki ikinci ikisi ikiye ikide ikili ~ikiz+ ~çift+;"
    "3 üç üçüncü üçe üçte üçü üçlü ~üçüz+;4 dört dördüncü dörde dörtte dördü dörtlü;5 beş beşinci "
    "beşe beşte beşi beşli;"
    "6 altı altıncı altıya altısı;7 yedi yedinci yediye yedisi;8 sekiz+;9 dokuz+;10 on onuncu onda ~onlarca ~onlar;"
    "20 yirmi+;30 otuz+;40 kırk kırkıncı;50 elli ellinci;60 altmış+;70 yetmiş+;80 seksen+;90 doksan+;"
    "100 yüz yüzlerce ~yüzyıl+;1000 bin binlerce ~binler;0.5 yarım yarısı ~yarı;0.333 üçte;0.25 "
    "~çeyrek dörtte;0.2 ~beşte;0.1 ~onda;" + _LATIN_SCALES,
    "ru": "0 ноль нуля;1 ~один ~одна ~одно ~одного ~одной ~одном ~перв+;"
    "2 два две двух двум двумя втор+ двое двоих двойн+ ~дважды ~вдвое ~оба ~обе ~обоих ~обеих "
    "~обоими ~обеими ~пара ~пары"
    " ~двуст+ ~двусторонн+ ~двухлет+;3 три трех трем тремя трет+ трое троих ~трижды ~втрое ~трехлет+;"
    "4 четыре четырех четырем четырьмя четверт+ четверо четверых ~четырехлет+;"
    "5 пять пяти пятью пятый пятого пятой пятом пятая пятое пятую пятых пятым пятеро пятерых ~пятилет+;"
    "6 шесть шести шестью шестой шестого шестом шестая шестое шестую шестых шестым шестеро;"
    "7 семь семи семью седьм+ семеро ~семилет+;"
    "8 восемь восьми восемью восьмью восьмой восьмого восьмом восьмая восьмую"
    " ~восьмилет+;9 девять девяти девятью девятый девятого девятом девятой девятая девятую ~девятилет+;"
    "10 десять десяти десятью десятый десятого десятом десятая десятую десяток ~десятки ~десятков ~десятилет+;"
    "11 одиннадцат+;12 двенадцат+ ~дюжин+;13 тринадцат+;14 четырнадцат+;15 пятнадцат+;16 шестнадцат+;17 семнадцат+;"
    "18 восемнадцат+;19 девятнадцат+;20 двадцат+;30 тридцат+;40 сорок сорока сороков+;"
    "50 пятьдесят пятидесяти пятьюдесятью пятидесят+;60 шестьдесят шестидесят+;70 семьдесят семидесят+;"
    "80 восемьдесят восьмидесят+;90 девяносто девяноста девяност+;"
    "100 сто ста сотен сотни сотня сотню сотнями ~столет+"
    " ~век ~века ~веке ~веков;200 двести двухсот;300 триста трехсот;400 четыреста четырехсот;500 пятьсот пятисот;"
    "600 шестьсот шестисот;700 семьсот семисот;800 восемьсот восьмисот;900 девятьсот девятисот;1000 тысяч+ тыс;"
    "1000000 миллион+ млн;1000000000 миллиард+ млрд;1000000000000 триллион+ трлн;"
    "0.5 половин+ ~пол ~полтора ~полутора ~полторы;0.333 треть трети третью;"
    "0.25 ~четверть ~четверти;1.5 полтора полутора",
    "uk": "0 нуль;1 ~один ~одна ~одне ~одного ~одній ~перш+;"
    "2 два дві двох двом двома друг+ двоє ~двічі ~удвічі ~обидва"
    " ~обидві ~обох ~пара ~дворічн+;3 три трьох трьом трьома трет+ троє ~тричі;4 чотири чотирьох чотирьом четверт+;"
    "5 пять пяти пятьох пятий пятого пятій пята пяту;6 шість шести шістьох шостий шостого шостій шоста;"
    "7 сім семи сьом+;8 вісім восьми восьмий восьмого восьмій;9 девять девяти девятий девятого девятій девятирічн+;"
    "10 десять десяти десятий десятого десятій десяток ~десятки ~десятиріч+;11 одинадцят+;"
    "12 дванадцят+;13 тринадцят+;"
    "14 чотирнадцят+;15 пятнадцят+;16 шістнадцят+;17 сімнадцят+;18 вісімнадцят+;19 девятнадцят+;20 "
    "двадцят+;30 тридцят+;"
    "40 сорок сорока;50 пятдесят пятдесяти пятдесят+;60 шістдесят+;70 сімдесят+;80 вісімдесят+;"
    "90 девяност+ девяносто;"
    "100 сто ста сотні сотень ~століт+;200 двісті двохсот;300 триста трьохсот;400 чотириста;500 пятсот;600 шістсот;"
    "700 сімсот;800 вісімсот;900 девятсот;1000 тисяч+ тис;1000000 мільйон+ млн;1000000000 мільярд+ млрд;"
    "1000000000000 трильйон+;0.5 половин+ ~пів;0.333 третин+;0.25 ~чверть",
    "fr": "0 zéro;1 ~un ~une ~premier ~première;2 deux deuxième second+ ~double+ ~jumeaux ~bis;3 trois troisième;"
    "4 quatre quatrième;5 cinq cinquième;6 six sixième;7 sept septième;8 huit huitième;9 neuf neuvième;10 dix dixième"
    " ~dizaine+ ~décennie+;11 onze+ onzième;12 douze douzième douzaine;13 treize+ treizième;14 quatorze quatorzième;"
    "15 quinze quinzième ~quinzaine;16 seize seizième;17 dix-sept;18 dix-huit;19 dix-neuf;20 vingt vingts vingtième"
    " ~vingtaine;30 trente trentième ~trentaine;40 quarante ~quarantaine;50 cinquante ~cinquantaine;60 soixante;"
    "80 octante huitante;90 nonante;70 septante;100 cent cents ~centaine+ ~siècle+;"
    "1000 mille millier+;0.5 moitié ~demi"
    " ~demie;0.333 tiers;0.25 ~quart;" + _LATIN_SCALES,
    "es": "0 cero;1 ~un ~uno ~una ~primer+;2 dos segund+ ~ambos ~ambas ~doble+ ~gemel+ ~par;3 tres tercer+;"
    "4 cuatro cuart+;5 cinco quinto quinta;6 seis sexto sexta;7 siete séptim+;8 ocho octavo octava;"
    "9 nueve noveno novena;"
    "10 diez décim+ ~decena+ ~década+;11 once undécim+;12 doce duodécim+ docena;13 trece;14 catorce;"
    "15 quince ~quincena;"
    "16 dieciséis;17 diecisiete;18 dieciocho;19 diecinueve;20 veinte vigésim+;21 veintiún veintiuno veintiuna;"
    "22 veintidós;23 veintitrés;24 veinticuatro;25 veinticinco;26 veintiséis;27 veintisiete;28 "
    "veintiocho;29 veintinueve;"
    "30 treinta;40 cuarenta;50 cincuenta;60 sesenta;70 setenta;80 ochenta;90 noventa;"
    "100 cien ciento centenar+ ~siglo+;"
    "200 doscient+;300 trescient+;400 cuatrocient+;500 quinient+;600 seiscient+;700 setecient+;800 ochocient+;"
    "900 novecient+;1000 mil miles;0.5 mitad ~medio ~media;0.333 tercio+;0.25 ~cuarto;" + _LATIN_SCALES,
    "de": "0 null;1 ~ein ~eine ~einen ~einem ~einer ~eins ~erste+;2 zwei zwo zweite+ zweier ~beide+ ~doppel+ ~zweimal"
    " ~paar;3 drei dritte+ dreier ~dreimal;4 vier vierte+;5 fünf fünfte+;6 sechs sechste+;7 sieben siebte+ siebente+;"
    "8 acht achte+;9 neun neunte+ neunjährig+;10 zehn zehnte+ ~jahrzehnt+;11 elf elfte+;12 zwölf zwölfte+ dutzend+;"
    "13 dreizehn+;14 vierzehn+;15 fünfzehn+;16 sechzehn+;17 siebzehn+;18 achtzehn+;19 neunzehn+;"
    "20 zwanzig+;30 dreißig+"
    " dreissig+;40 vierzig+;50 fünfzig+;60 sechzig+;70 siebzig+;80 achtzig+;90 neunzig+;100 hundert hunderte+"
    " ~jahrhundert+;1000 tausend tausende+ tsd;0.5 hälfte halb+;0.333 drittel;0.667 zweidrittel;0.25 ~viertel;"
    + _LATIN_SCALES,
    "it": "0 zero;1 ~un ~uno ~una ~prim+;"
    "2 due ~secondo seconda second+ ~entramb+ ~doppi+ ~gemell+ ~coppia;3 tre tré terz+;"
    "4 quattro quart+;5 cinque quint+;6 sei sest+;7 sette settimo settima;8 otto ottav+;"
    "9 nove nono nona;10 dieci decim+"
    " ~decin+ ~decenni+;11 undici undices+;12 dodici dodices+ dozzina;13 tredici;14 quattordici;15 "
    "quindici ~quindicina;"
    "16 sedici;17 diciassette;18 diciotto;19 diciannove;20 venti ventun;30 trenta;40 quaranta;"
    "50 cinquanta;60 sessanta;"
    "70 settanta;80 ottanta;90 novanta;100 cento centinai+ ~secol+;1000 mille mila migliai+;0.5 metà ~mezzo ~mezza;"
    "0.333 ~terzo;0.25 ~quarto;" + _LATIN_SCALES,
    "pt": "0 zero;1 ~um ~uma ~primeir+;2 dois duas segund+ ~ambos ~ambas ~dobro ~gêmeos ~par;3 três terceir+;"
    "4 quatro quarto quarta;5 cinco quint+;6 seis sext+;7 sete sétim+;8 oito oitav+;"
    "9 nove nono nona;10 dez décim+ ~dezena+"
    " ~década+;11 onze;12 doze dúzia;13 treze;14 quatorze catorze;15 quinze ~quinzena;16 dezesseis "
    "dezasseis;17 dezessete"
    " dezassete;18 dezoito;19 dezenove dezanove;20 vinte vigésim+;30 trinta;40 quarenta;50 cinquenta;60 sessenta;"
    "70 setenta;80 oitenta;90 noventa;100 cem cento centena+ ~século+;200 duzent+;300 trezent+;400 quatrocent+;"
    "500 quinhent+;600 seiscent+;700 setecent+;800 oitocent+;900 novecent+;1000 mil milhar+;0.5 metade ~meio ~meia;"
    "0.333 terço;0.25 ~quarto;" + _LATIN_SCALES,
    "id": "0 nol;1 ~satu ~pertama ~sebuah ~seorang;2 dua kedua ~ganda ~sepasang;3 tiga ketiga;4 empat "
    "keempat;5 lima kelima;"
    "6 enam keenam;7 tujuh ketujuh;8 delapan kedelapan;9 sembilan kesembilan;×10 puluh;10 sepuluh kesepuluh ~puluhan"
    " ~dekade ~dasawarsa;+10 belas;11 sebelas kesebelas;100 ratus ratusan ~abad;=100 seratus;1000 "
    "ribu ribuan;=1000 seribu;1000000 juta jutaan;"
    "0.5 setengah separuh;0.333 sepertiga;0.25 ~seperempat;" + _LATIN_SCALES,
    "hi": "0 शून्य;1 ~एक ~पहला ~पहली ~पहले;2 दो दोनों दूसरा दूसरी दूसरे ~दोगुना ~जुड़वां;"
    "3 तीन तीनों तीसरा तीसरी तीसरे;"
    "4 चार चारों चौथा चौथी चौथे;5 पाँच पांच पाँचवां पांचवां पांचवीं पांचवें;6 छह छः छे छठा छठी छठे;"
    "7 सात सातवां सातवीं सातवें;"
    "8 आठ आठवां आठवीं आठवें;9 नौ नौवां नौवीं नौवें;10 दस दसवां दसवीं दसवें ~दशक;11 ग्यारह ग्यारहवीं;"
    "12 बारह बारहवीं दर्जन;"
    "13 तेरह तेरहवीं;14 चौदह;15 पंद्रह पन्द्रह;16 सोलह;17 सत्रह;18 अठारह अट्ठारह;19 उन्नीस;20 बीस;21 इक्कीस;22 बाईस;"
    "23 तेईस;24 चौबीस;25 पच्चीस;26 छब्बीस;27 सत्ताईस;28 अट्ठाईस;29 उनतीस;30 तीस;31 इकतीस;32 बत्तीस;"
    "33 तैंतीस;34 चौंतीस;"
    "35 पैंतीस;36 छत्तीस;37 सैंतीस;38 अड़तीस;39 उनतालीस;40 चालीस;41 इकतालीस;42 बयालीस;43 तैंतालीस;"
    "44 चौवालीस;45 पैंतालीस;"
    "46 छियालीस;47 सैंतालीस;48 अड़तालीस;49 उनचास;50 पचास;51 इक्यावन;52 बावन;53 तिरपन;54 चौवन;"
    "55 पचपन;56 छप्पन;57 सत्तावन;"
    "58 अट्ठावन;59 उनसठ;60 साठ;61 इकसठ;62 बासठ;63 तिरसठ;64 चौंसठ;65 पैंसठ;66 छियासठ;67 सड़सठ;"
    "68 अड़सठ;69 उनहत्तर;70 सत्तर;"
    "71 इकहत्तर;72 बहत्तर;73 तिहत्तर;74 चौहत्तर;75 पचहत्तर;76 छिहत्तर;77 सतहत्तर;78 अठहत्तर;"
    "79 उन्यासी;80 अस्सी;81 इक्यासी;"
    "82 बयासी;83 तिरासी;84 चौरासी;85 पचासी;86 छियासी;87 सत्तासी;88 अट्ठासी;89 नवासी;90 नब्बे;91 इक्यानवे;92 बानवे;"
    "93 तिरानवे;94 चौरानवे;95 पचानवे;96 छियानवे;97 सत्तानवे;98 अट्ठानवे;99 निन्यानवे;"
    "100 सौ सैकड़ों ~सदी;1000 हज़ार हजारों;"
    "100000 लाख लाखों;10000000 करोड़ करोड़ों;1000000000 अरब अरबों;1000000 मिलियन;0.5 आधा आधी आधे;"
    "0.333 तिहाई;0.25 ~चौथाई",
    "ur": "0 صفر;1 ~ايك ~پہلا ~پہلي ~پہلے;2 دو دونوں دوسرا دوسري دوسرے ~دوگنا;3 تين تينوں تيسرا تيسري تيسرے;"
    "4 چار چاروں چوتھا چوتھي چوتھے;5 پانچ پانچواں پانچويں;6 چھ چھٹا چھٹي چھٹے;7 سات ساتواں ساتويں;8 "
    "آٹھ اٹھ آٹھويں;9 نو نويں;"
    "10 دس دسويں ~دہائي;11 گيارہ;12 بارہ بارہويں درجن;13 تيرہ;14 چودہ;15 پندرہ;16 سولہ;17 سترہ;18 "
    "اٹھارہ;19 انيس;20 بيس;"
    "21 اكيس;22 بائيس;23 تئيس;24 چوبيس;25 پچيس;26 چھبيس;27 ستائيس;28 اٹھائيس;29 انتيس;30 تيس;31 "
    "اكتيس;32 بتيس;33 تينتيس;"
    "34 چونتيس;35 پينتيس;36 چھتيس;37 سينتيس;38 اڑتيس;39 انتاليس;40 چاليس;45 پينتاليس;48 اڑتاليس;50 "
    "پچاس;55 پچپن;60 ساٹھ;"
    "65 پينسٹھ;70 ستر;75 پچھتر;80 اسي;85 پچاسي;90 نوے;95 پچانوے;100 ~سو سينكڑوں ~صدي;1000 ہزار "
    "ہزاروں;100000 لاكھ لاكھوں;"
    "10000000 كروڑ كروڑوں;1000000 ملين;1000000000 ارب اربوں;0.5 نصف آدھا آدھي آدھے;0.333 تہائي;0.25 ~چوتھائي",
    "he": "0 אפס;1 ~אחד ~אחת ~ראשון ~ראשונה;100 ~במאה ~המאה ~למאה;2 שניים שתיים שתים שתי שנים ~שני ~שנייה "
    "~שניה ~שנתיים ~יומיים ~שבועיים ~חודשיים"
    " ~שעתיים ~פעמיים ~כפול ~כפולה ~שניהם ~שתיהן ~זוג;3 שלוש שלושה שלושת שלישי שלישית;"
    "4 ארבע ארבעה ארבעת רביעי רביעית;"
    "5 חמש חמישה חמשת חמישי חמישית;6 שש שישה ששה ששת שישי שישית;7 שבע שבעה שבעת שביעי שביעית;8 "
    "שמונה שמונת שמיני שמינית;"
    "9 תשע תשעה תשעת תשיעי תשיעית;10 עשר עשרה עשרת עשירי עשור;20 עשרים;30 שלושים;40 ארבעים;50 "
    "חמישים חמשים;60 שישים ששים;"
    "70 שבעים;80 שמונים;90 תשעים;100 מאה מאות ~המאה;200 מאתיים;1000 אלף אלפים אלפי;2000 אלפיים;1000000 מיליון מיליוני"
    " מיליונים;1000000000 מיליארד מיליארדי;0.5 חצי מחצית;0.333 שליש;0.25 ~רבע",
    "nl": "1 ~een ~één ~eerste;2 twee tweede ~beide+ ~dubbel+;3 drie derde;4 vier vierde;5 vijf vijfde;6 zes zesde;"
    "7 zeven+;8 acht achtste;9 negen+;10 tien tiende ~decenni+;11 elf elfde;12 twaalf+ dozijn;"
    "13 dertien+;14 veertien+;"
    "15 vijftien+;16 zestien+;17 zeventien+;18 achttien+;19 negentien+;20 twintig+;30 dertig+;"
    "40 veertig+;50 vijftig+;"
    "60 zestig+;70 zeventig+;80 tachtig+;90 negentig+;100 honderd+ ~eeuw+;1000 duizend+;0.5 helft half halve;"
    + _LATIN_SCALES + "1000000 miljoen+;1000000000 miljard+",
    "sv": "1 ~en ~ett ~första;2 två andra ~båda ~dubbel+;3 tre tredje;4 fyra fjärde;5 fem femte;6 sex sjätte;"
    "7 sju sjunde;8 åtta åttonde;9 nio nionde nioårig+;10 tio tionde ~decenni+;11 elva elfte;12 tolv tolfte dussin;"
    "13 tretton+;14 fjorton+;15 femton+;16 sexton+;17 sjutton+;18 arton+;19 nitton+;20 tjugo+;30 trettio+;40 fyrtio+;"
    "50 femtio+;60 sextio+;70 sjuttio+;80 åttio+;90 nittio+;100 hundra+ ~sekel;1000 tusen+;0.5 hälften ~halv+;"
    "0.333 tredjedel;" + _LATIN_SCALES + "1000000 miljon+",
    "pl": "1 ~jeden ~jedna ~jedno ~jednego ~pierwsz+;2 dwa dwie dwóch dwu dwoma dwaj drug+ dwoje ~obie ~oba ~oboje"
    " ~dwukrot+;3 trzy trzech trzem trzema trzej trzeci+ troje;"
    "4 cztery czterech czterem czterej czwart+;5 pięć pięciu"
    " piąt+;6 sześć sześciu szóst+;7 siedem siedmiu siódm+;8 osiem ośmiu ósm+;9 dziewięć dziewięciu dziewiąt+"
    " dziewięciolet+;10 dziesięć dziesięciu dziesiąt+ ~dziesięciolec+;11 jedenaśc+ jedenast+;12 dwanaśc+ dwunast+;"
    "13 trzynaśc+ trzynast+;14 czternaśc+;15 piętnaśc+ piętnast+;16 szesnaśc+;17 siedemnaśc+;"
    "18 osiemnaśc+ osiemnast+;"
    "19 dziewiętnaśc+ dziewiętnast+;20 dwadzieścia dwudziest+;30 trzydzieści trzydziest+;"
    "40 czterdzieści czterdziest+;"
    "50 pięćdziesiąt+;60 sześćdziesiąt+;70 siedemdziesiąt+;80 osiemdziesiąt+;90 dziewięćdziesiąt+;"
    "100 sto stu setki setek"
    " ~wiek+;200 dwieście dwustu;300 trzysta trzystu;400 czterysta;500 pięćset;600 sześćset;"
    "700 siedemset;800 osiemset;"
    "900 dziewięćset;1000 tysiąc tysiące tysięcy tys;0.5 połow+;0.333 ~trzecia;" + _LATIN_SCALES,
    "el": "1 ~ένας ~μια ~μία ~ένα ~πρώτ+;2 δύο δυο δεύτερ+ ~διπλ+;3 τρεις τρία τριών τρίτ+;"
    "4 τέσσερις τέσσερα τεσσάρων"
    " τέταρτ+;5 πέντε πέμπτ+;6 έξι έκτ+;7 επτά εφτά έβδομ+;8 οκτώ οχτώ όγδο+;9 εννέα εννιά ένατ+;10 δέκα δέκατ+"
    " ~δεκαετ+;11 έντεκα;12 δώδεκα δωδέκατ+;13 δεκατρ+;14 δεκατέσσερ+;15 δεκαπέντε;16 δεκαέξι;17 δεκαεπτά;18 δεκαοκτώ"
    " δεκαοχτώ;19 δεκαεννέα δεκαεννιά;20 είκοσι εικοστ+;30 τριάντα;40 σαράντα;50 πενήντα;60 εξήντα;70 εβδομήντα;"
    "80 ογδόντα;90 ενενήντα;100 εκατό εκατοντάδες ~αιών+;1000 χίλια χιλιάδες;1000000 εκατομμύρι+ εκατ;"
    "1000000000 δισεκατομμύρι+ δισ;0.5 μισό μισή;0.333 ~τρίτο",
    "bn": "1 ~এক ~একটি;2 দুই দু দুটি দ্বিতীয় ~দুবার;3 তিন তিনটি তৃতীয়;4 চার চারটি চতুর্থ;5 পাঁচ পাঁচটি পঞ্চম;6 ছয় "
    "ছয়টি ষষ্ঠ;7 সাত সাতটি সপ্তম;"
    "8 আট আটটি অষ্টম;9 ~নয় নবম;10 দশ দশম ~দশক;11 এগারো;12 বারো দ্বাদশ;13 তেরো;14 চৌদ্দ;15 পনেরো;16 "
    "ষোলো;17 সতেরো;18 আঠারো আঠেরো;"
    "19 উনিশ;20 বিশ কুড়ি;30 ত্রিশ;40 চল্লিশ;50 পঞ্চাশ;60 ষাট;70 সত্তর;80 আশি;90 নব্বই;100 শত ~শতক;"
    "1000 হাজার;100000 লাখ লক্ষ;"
    "10000000 কোটি;0.5 অর্ধেক;0.333 ~তৃতীয়াংশ",
    "sw": "1 ~moja ~kwanza;2 mbili wawili miwili viwili pili ~mara;3 tatu watatu mitatu vitatu;"
    "4 nne wanne minne vinne;"
    "5 tano watano mitano vitano;6 sita;7 saba;8 nane wanane minane;9 tisa;10 kumi ~muongo;20 ishirini;30 thelathini;"
    "40 arobaini;50 hamsini;60 sitini;70 sabini;80 themanini;90 tisini;100 mia ~karne;1000 elfu maelfu;100000 laki;"
    "1000000 milioni mamilioni;1000000000 bilioni;0.5 nusu;0.333 ~theluthi",
    "vi": "1 ~một ~đầu ~nhất;2 hai ~đôi ~nhì;3 ba;4 bốn tư;5 năm lăm;6 sáu;7 bảy;8 tám;9 chín;×10 mươi;10 "
    "mười ~chục ~thập;"
    "12 tá;100 trăm ~kỷ;1000 nghìn ngàn;1000000 triệu;1000000000 tỷ tỉ;0.5 nửa",
    "ko": "1 ~한 ~하나 ~첫;2 ~두 ~둘 ~이;3 ~세 ~셋 ~삼 ~석;4 ~네 ~넷 ~사 ~넉;5 ~다섯 ~오;6 ~여섯 ~육;7 ~일곱 ~칠;"
    "8 ~여덟 ~팔;9 ~아홉 ~구;10 ~열 ~십;20 ~스무"
    " ~스물 ~이십;30 ~서른;40 ~마흔;50 ~쉰;18 ~열여덟 ~십팔;19 ~열아홉;11 ~열한 ~십일;12 ~열두 ~십이;0.5 ~절반",
    "th": "",
}  # fmt: skip

# Where the unit may stand before the ten ("three and twenty").
UNIT_FIRST = frozenset({"ar", "de", "he", "nl"})
# Where a number is one long word: "zweiundvierzig", "trentadue".
JOINED = {"de": "und", "nl": "en", "sv": "", "it": ""}
# What may stand between the parts of a number, and what is written before it without a space.
AND = {"en": "and", "fr": "et", "es": "y", "pt": "e", "it": "e", "fa": "و", "el": "και", "sw": "na"}
PREFIXES = {
    "ar": ("وال", "بال", "لل", "فال", "كال", "ال", "و", "ب", "ل", "ف", "ك"),
    "he": ("וה", "ול", "וב", "שה", "ה", "ו", "ב", "ל", "כ", "מ", "ש"),
}

_ROUNDED_SHARES = {"0.333": (1 / 3,), "0.667": (2 / 3, 1 / 3, 2.0, 3.0)}
# "Millionths" and the like are no millions.
_PARTS = regex.compile(r"ones[ií]m|onst|ondel|onths|onième|onieme|лионн")
_DUAL = regex.compile(r"\p{Arabic}{3}(?:تين|تان)$")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a number word may mean, whether a sentence claims a number by it, and how it joins others: ``×``, ``+`` or
    ``=`` as in ``rag/number_words.py``.
    """

    values: tuple[float, ...]
    sure: bool = True
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The number words of a language, by form and by stem."""

    exact: dict[str, Entry]
    stems: dict[str, Entry]
    joined: str | None
    prefixes: tuple[str, ...]

    def find(self, word: str) -> Entry | None:
        """The entry of a word, as fold gives it, if it is one for a number."""
        if _PARTS.search(word):
            return None
        stem, _, ending = word.partition("'")
        if "ال" in self.prefixes and word.endswith("ا") and (found := self._plain(word[:-1])):
            return found
        without = (word[len(prefix) :] for prefix in self.prefixes if word.startswith(prefix))
        for form in (word, *without, *([stem, word.replace("'", "")] if ending else [])):
            if found := self._plain(form):
                return found
        # Arabic feminine duals: two of something, without a number.
        if _DUAL.search(word):
            return Entry((2.0,), sure=False)
        return self._compound(word) if self.joined is not None and len(word) > 5 else None

    def _plain(self, word: str) -> Entry | None:
        if word in self.exact:
            return self.exact[word]
        stems = (word[: len(word) - cut] for cut in range(5))
        return next((self.stems[stem] for stem in stems if len(stem) > 2 and stem in self.stems), None)

    def _compound(self, word: str) -> Entry | None:
        """A number written as one word, or one at the front of a word: "negenjarige" is nine years old."""
        if found := self._split(word):
            return found
        length = next((size for size in range(len(word), 2, -1) if word[:size] in self.exact), 0)
        return Entry(self.exact[word[:length]].values, sure=False) if length else None

    def _split(self, word: str) -> Entry | None:
        """The value of a compound: the longest words of the table that it is made of, one behind the other."""
        total, current, rest, count = 0.0, 0.0, word, 0
        while rest:
            length = next((size for size in range(len(rest), 2, -1) if rest[:size] in self.exact), 0)
            if not length:
                return None
            entry = self.exact[rest[:length]]
            total, current = added(total, current, entry.values[0], entry.kind)
            rest, count = rest[length:], count + 1
            if self.joined:
                rest = rest.removeprefix(self.joined)
        return Entry((total + current,)) if count > 1 else None


def spell(word: str, language: str) -> str:
    """The word as the table has it: folded, but for Vietnamese, whose accents tell eight from a slab."""
    return unicodedata.normalize("NFC", word).casefold() if language == "vi" else fold(word)


@cache
def number_table(language: str) -> Table:
    """The number words of a language; none for one without an entry."""
    exact: dict[str, Entry] = {}
    stems: dict[str, Entry] = {}
    for entry in filter(None, map(str.strip, WORDS.get(language, "").split(";"))):
        written, *forms = entry.split()
        kind, value = (written[0], written[1:]) if written[0] in "×+=" else ("", written)
        kind = kind or ("×" if value == "100" or float(value) >= 1000 else "")
        for form in forms:
            word = spell(form.strip("~+"), language)
            known = exact.get(word, Entry((), sure=False))
            values = (*known.values, *_ROUNDED_SHARES.get(value, (float(value),)))
            exact[word] = Entry(values, known.sure or not form.startswith("~"), kind)
            if form.endswith("+"):
                stems[word] = exact[word]
    return Table(exact, stems, JOINED.get(language), PREFIXES.get(language, ()))


def added(total: float, current: float, value: float, kind: str) -> tuple[float, float]:
    """The whole millions and thousands of a number, and what is below them, after one more word."""
    if value >= 1000 and kind != "=":
        return total + (current or 1) * value, 0.0
    if kind == "×":
        counted = current % 100
        return total, current - counted + (counted or 1) * value
    return total, current + value
