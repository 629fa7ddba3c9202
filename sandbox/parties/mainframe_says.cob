      *> What the bank's mainframe says without being asked for an
      *> account: a reply that refuses or fails (ACCOUNT-REPLY), or a
      *> change of a profile (PROFILE-CHANGE). It reads ORDER, whose
      *> fields stand in Latin-1, and writes SAID by the copybooks.
      *>
      *> The records are EBCDIC (code page 500): ASCII-SIDE and
      *> EBCDIC-SIDE are a table of our own. What is not in it is an
      *> abend: RETURN-CODE 8, and nothing is said.
       IDENTIFICATION DIVISION.
       PROGRAM-ID. SAYS.
       ENVIRONMENT DIVISION.
       INPUT-OUTPUT SECTION.
       FILE-CONTROL.
           SELECT ORDER-FILE ASSIGN TO "ORDER"
               ORGANIZATION SEQUENTIAL FILE STATUS FS.
           SELECT REPLY-FILE ASSIGN TO "SAID"
               ORGANIZATION SEQUENTIAL FILE STATUS FS.
           SELECT CHANGE-FILE ASSIGN TO "SAID"
               ORGANIZATION SEQUENTIAL FILE STATUS FS.
       DATA DIVISION.
       FILE SECTION.
       FD  ORDER-FILE.
       01  ORDER-RECORD.
           05  ORDER-CODE          PIC X(4).
           05  ORDER-CLIENT        PIC X(20).
           05  ORDER-STATUS        PIC X(2).
           05  ORDER-REASON        PIC X(42).
           05  ORDER-CHANGE        PIC X(12).
           05  ORDER-SEQUENCE      PIC 9(9).
           05  ORDER-AT            PIC 9(14).
           05  ORDER-FIELD         PIC X(20).
           05  ORDER-VALUE         PIC X(40).
       FD  REPLY-FILE.
       COPY "ACCTRPL.cpy".
       FD  CHANGE-FILE.
       COPY "ACCTCHG.cpy".
       WORKING-STORAGE SECTION.
       01  FS                      PIC XX.
       01  REST                    PIC X(163).
       01  BLANKS                  PIC X(134) VALUE SPACES.
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
       PROCEDURE DIVISION.
       MAIN-LINE.
           OPEN INPUT ORDER-FILE.
           READ ORDER-FILE.
           MOVE ORDER-RECORD TO REST.
           INSPECT REST CONVERTING ASCII-SIDE TO BLANKS.
           IF REST NOT = SPACES
               DISPLAY "ABEND: A CHARACTER OF NO TABLE"
               MOVE 8 TO RETURN-CODE
               STOP RUN
           END-IF.
           EVALUATE ORDER-CODE
               WHEN "ACRP" PERFORM SAY-REPLY
               WHEN "CHNG" PERFORM SAY-CHANGE
               WHEN OTHER
                   DISPLAY "ABEND: ORDER"
                   MOVE 8 TO RETURN-CODE
           END-EVALUATE.
           CLOSE ORDER-FILE.
           STOP RUN.

       SAY-REPLY.
           MOVE SPACES TO ACCOUNT-REPLY.
           MOVE ORDER-CODE TO TRAN-CODE OF ACCOUNT-REPLY.
           MOVE ORDER-CLIENT TO CLIENT-ID OF ACCOUNT-REPLY.
           EVALUATE ORDER-STATUS
               WHEN "08" SET ACCOUNT-REFUSED TO TRUE
               WHEN "16" SET SYSTEM-ERROR TO TRUE
           END-EVALUATE.
           MOVE ORDER-REASON TO REASON.
           INSPECT ACCOUNT-REPLY
               CONVERTING ASCII-SIDE TO EBCDIC-SIDE.
           OPEN OUTPUT REPLY-FILE.
           WRITE ACCOUNT-REPLY.
           CLOSE REPLY-FILE.

       SAY-CHANGE.
           MOVE ORDER-CODE TO TRAN-CODE OF PROFILE-CHANGE.
           MOVE ORDER-CLIENT TO CLIENT-ID OF PROFILE-CHANGE.
           MOVE ORDER-CHANGE TO CHANGE-ID.
           MOVE ORDER-SEQUENCE TO CHANGE-SEQUENCE.
           MOVE ORDER-AT TO CHANGED-AT.
           MOVE ORDER-FIELD TO FIELD-NAME.
           MOVE ORDER-VALUE TO FIELD-VALUE.
           INSPECT PROFILE-CHANGE
               CONVERTING ASCII-SIDE TO EBCDIC-SIDE.
           OPEN OUTPUT CHANGE-FILE.
           WRITE PROFILE-CHANGE.
           CLOSE CHANGE-FILE.
