      *> The letters of our records, in Latin-1 and in EBCDIC (code
      *> page 500), each at the same place of either side: a table of
      *> our own, since GnuCOBOL is ASCII inside. INSPECT ... CONVERTING
      *> takes it in one way or the other.
       01  ASCII-SIDE.
           05  FILLER PIC X(38) VALUE
               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -".
           05  FILLER PIC X(9) VALUE "abcdefghi".
           05  FILLER PIC X(9) VALUE "jklmnopqr".
           05  FILLER PIC X(8) VALUE "stuvwxyz".
           05  FILLER PIC X(13) VALUE ".,:/'()_&+*?=".
      *>       A-grave to Y-acute, a-grave to y-diaeresis.
           05  FILLER PIC X(15) VALUE
               X"C0C1C2C3C4C5C6C7C8C9CACBCCCDCE".
           05  FILLER PIC X(15) VALUE
               X"CFD1D2D3D4D5D6D8D9DADBDCDDE0E1".
           05  FILLER PIC X(15) VALUE
               X"E2E3E4E5E6E7E8E9EAEBECEDEEEFF1".
           05  FILLER PIC X(12) VALUE
               X"F2F3F4F5F6F8F9FAFBFCFDFF".
       01  EBCDIC-SIDE.
           05  FILLER PIC X(9) VALUE X"C1C2C3C4C5C6C7C8C9".
           05  FILLER PIC X(9) VALUE X"D1D2D3D4D5D6D7D8D9".
           05  FILLER PIC X(8) VALUE X"E2E3E4E5E6E7E8E9".
           05  FILLER PIC X(10) VALUE X"F0F1F2F3F4F5F6F7F8F9".
           05  FILLER PIC X(2) VALUE X"4060".
           05  FILLER PIC X(9) VALUE X"818283848586878889".
           05  FILLER PIC X(9) VALUE X"919293949596979899".
           05  FILLER PIC X(8) VALUE X"A2A3A4A5A6A7A8A9".
           05  FILLER PIC X(13) VALUE
               X"4B6B7A617D4D5D6D504E5C6F7E".
           05  FILLER PIC X(15) VALUE
               X"6465626663679E6874717273787576".
           05  FILLER PIC X(15) VALUE
               X"7769EDEEEBEFEC80FDFEFBFCAD4445".
           05  FILLER PIC X(15) VALUE
               X"424643479C48545152535855565749".
           05  FILLER PIC X(12) VALUE
               X"CDCECBCFCC70DDDEDBDC8DDF".
